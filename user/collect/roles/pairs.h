/* SPDX-License-Identifier: GPL-2.0-only */
/* A table that has the latest wait of each thread in each set. All zero is an empty table. */
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

/*
 * _find returns NULL if the pair is not there. _at adds it if needed, and returns NULL if there is no memory. The
 * result is valid until the next _at.
 */
struct lsp_pair_slot *lsp_pairs_find(const struct lsp_pairs *p, uint32_t tid, uint32_t set);
struct lsp_pair_slot *lsp_pairs_at(struct lsp_pairs *p, uint32_t tid, uint32_t set);

/* Returns the number that stands for the set of @x. At first each number is a set of its own: @parent[x] is x. */
static inline uint32_t lsp_set_find(uint32_t *parent, uint32_t x)
{
	while (parent[x] != x) {
		parent[x] = parent[parent[x]];
		x = parent[x];
	}
	return x;
}

/* Joins the sets of @x and @y. The lower number stands for both, so that the order of calls does not matter. */
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
