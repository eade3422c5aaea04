// SPDX-License-Identifier: GPL-2.0-only
#include "roles.h"

#include <stdlib.h>
#include <string.h>

static const char *const doubt_names[] = {
#define NAME_OF(id, name) name,
	LSP_DOUBTS(NAME_OF)
};

const char *lsp_doubt_name(unsigned int doubt)
{
	return doubt < LSP_DOUBT_COUNT ? doubt_names[doubt] : "?";
}

void lsp_roles_uninit(struct lsp_roles *r)
{
	free(r->keys);
	memset(r, 0, sizeof(*r));
}

static int word_compare(const void *a, const void *b)
{
	const struct lsp_key_role *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

const struct lsp_key_role *lsp_roles_word(const struct lsp_roles *r, uint64_t key)
{
	const struct lsp_key_role wanted = { .key = key };

	return r->nwords ? bsearch(&wanted, r->keys, r->nwords, sizeof(wanted), word_compare) : NULL;
}
