// SPDX-License-Identifier: GPL-2.0-only
#include "sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void lsp_root_sums_uninit(struct lsp_root_sums *s)
{
	free(s->sums);
	lsp_index_uninit(&s->index);
	memset(s, 0, sizeof(*s));
}

static bool sum_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_root_sums *s = arg;
	const struct lsp_root_sum *a = &s->sums[place], *b = key;

	return a->end == b->end && a->trace == b->trace && a->kind == b->kind && a->lock == b->lock;
}

int lsp_root_sums_add(struct lsp_root_sums *s, const struct lsp_root_sum *part)
{
	const uint32_t words[] = { part->end, part->trace, part->kind, part->lock };
	uint64_t hash = lsp_hash(words, sizeof(words), 0);
	uint32_t place = lsp_index_find(&s->index, hash, sum_equal, s, part);

	if (place != LSP_INDEX_NONE) {
		s->sums[place].ns += part->ns;
		return 0;
	}
	if (lsp_array_grow(&s->sums, &s->room, s->n, sizeof(*s->sums)) || lsp_index_add(&s->index, hash, (uint32_t)s->n))
		return -ENOMEM;
	s->sums[s->n++] = *part;
	return 0;
}
