// SPDX-License-Identifier: GPL-2.0-only
#include "pairs.h"

#include <stdlib.h>
#include <string.h>

void lsp_pairs_uninit(struct lsp_pairs *p)
{
	free(p->slots);
	lsp_index_uninit(&p->index);
	memset(p, 0, sizeof(*p));
}

static bool slot_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_pairs *p = arg;
	const struct lsp_pair_slot *a = &p->slots[place], *b = key;

	return a->tid == b->tid && a->set == b->set;
}

struct lsp_pair_slot *lsp_pairs_find(const struct lsp_pairs *p, uint32_t tid, uint32_t set)
{
	struct lsp_pair_slot key = { tid, set, LSP_INDEX_NONE };
	uint32_t place = lsp_index_find(&p->index, lsp_hash(&tid, sizeof(tid), set), slot_equal, p, &key);

	return place == LSP_INDEX_NONE ? NULL : &p->slots[place];
}

struct lsp_pair_slot *lsp_pairs_at(struct lsp_pairs *p, uint32_t tid, uint32_t set)
{
	struct lsp_pair_slot *slot = lsp_pairs_find(p, tid, set);

	if (slot)
		return slot;
	if (lsp_array_grow(&p->slots, &p->room, p->n, sizeof(*p->slots)) ||
	    lsp_index_add(&p->index, lsp_hash(&tid, sizeof(tid), set), (uint32_t)p->n))
		return NULL;
	p->slots[p->n] = (struct lsp_pair_slot){ tid, set, LSP_INDEX_NONE };
	return &p->slots[p->n++];
}
