/* SPDX-License-Identifier: GPL-2.0-only */
/* The latest wait of a thread in a set: a table by these two numbers. All zero is an empty one. */
#ifndef LSP_COLLECT_PAIRS_H
#define LSP_COLLECT_PAIRS_H

#include "../../base/index.h"

struct lsp_pair_slot {
	uint32_t tid;
	uint32_t set;
	uint32_t wait;		/* LSP_INDEX_NONE: none now */
};

struct lsp_pairs {
	struct lsp_pair_slot *slots;
	size_t n;
	size_t room;
	struct lsp_index index;
};

void lsp_pairs_uninit(struct lsp_pairs *p);

/* NULL: it is not there; for _at: no memory. Valid until the next _at. */
struct lsp_pair_slot *lsp_pairs_find(const struct lsp_pairs *p, uint32_t tid, uint32_t set);
struct lsp_pair_slot *lsp_pairs_at(struct lsp_pairs *p, uint32_t tid, uint32_t set);

/* Sets of numbers that grow together: the one that stands for @x's. @parent has each number's own at first. */
static inline uint32_t lsp_set_find(uint32_t *parent, uint32_t x)
{
	while (parent[x] != x) {
		parent[x] = parent[parent[x]];
		x = parent[x];
	}
	return x;
}

/* The lower number stands for both, so that the result does not depend on the order. */
static inline void lsp_set_join(uint32_t *parent, uint32_t x, uint32_t y)
{
	x = lsp_set_find(parent, x);
	y = lsp_set_find(parent, y);
	if (x < y)
		parent[y] = x;
	else
		parent[x] = y;
}

#endif
