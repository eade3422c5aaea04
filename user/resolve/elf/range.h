/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes ranges of addresses flat that may nest and overlap: afterwards each address has at most one
 * owner, which is found by binary search. The owner is the range with the highest rank. Of equal
 * ranks it is the one that starts last, then the shorter one, then the one with the higher id.
 */
#ifndef LSP_ELF_RANGE_H
#define LSP_ELF_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_range {
	uint64_t start;
	uint64_t end;		/* exclusive */
	uint32_t id;
	uint32_t rank;
};

/* All zero is empty. */
struct lsp_ranges {
	struct lsp_range *ranges;
	size_t n;
	size_t room;
};

void lsp_ranges_uninit(struct lsp_ranges *r);

/* Adds a range. A range that is empty or wraps around is left out. Returns 0 or -ENOMEM. */
int lsp_ranges_add(struct lsp_ranges *r, uint64_t start, uint64_t end, uint32_t id, uint32_t rank);

/* Makes the ranges flat. To be called once, before finding. Returns 0 or -ENOMEM. */
int lsp_ranges_flatten(struct lsp_ranges *r);

/* The flat range that holds @addr, or NULL. */
const struct lsp_range *lsp_ranges_find(const struct lsp_ranges *r, uint64_t addr);

/* The first flat range that starts after @addr, or NULL. */
const struct lsp_range *lsp_ranges_after(const struct lsp_ranges *r, uint64_t addr);

#endif
