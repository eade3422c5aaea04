// SPDX-License-Identifier: GPL-2.0-only
#include "strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct text {
	const char *at;
	size_t bytes;
};

void lsp_strings_uninit(struct lsp_strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->strings[i]);
	free(s->strings);
	lsp_index_uninit(&s->index);
	memset(s, 0, sizeof(*s));
}

static bool string_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_strings *s = arg;
	const struct text *t = key;

	return !strncmp(s->strings[place], t->at, t->bytes) && !s->strings[place][t->bytes];
}

int lsp_strings_place(struct lsp_strings *s, const char *text, size_t max, uint32_t *ret)
{
	struct text t = { .at = text, .bytes = strnlen(text, max) };
	uint64_t hash = lsp_hash(text, t.bytes, 0);
	char *copy;

	*ret = lsp_index_find(&s->index, hash, string_equal, s, &t);
	if (*ret != LSP_INDEX_NONE)
		return 0;
	if (lsp_array_grow(&s->strings, &s->room, s->n, sizeof(*s->strings)))
		return -ENOMEM;
	copy = strndup(text, t.bytes);
	if (!copy)
		return -ENOMEM;
	if (lsp_index_add(&s->index, hash, (uint32_t)s->n)) {
		free(copy);
		return -ENOMEM;
	}
	*ret = (uint32_t)s->n;
	s->strings[s->n++] = copy;
	return 0;
}
