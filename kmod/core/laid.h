/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process has laid where: sorted lists of executable ranges, each with a
 * number that stands for its content. Two lists are put one upon the other as
 * mmap does it, what lies above hiding what lies below.
 */
#ifndef _LSP_CORE_LAID_H
#define _LSP_CORE_LAID_H

#include "types.h"

/* [start, end). @what: equal numbers are equal content; that of a file counts its offset in. */
struct lsp_laid {
	u64 start;
	u64 end;
	u64 what;
};

/* Entries that lsp_laid_over() makes of lists of these lengths, at most. */
#define LSP_LAID_ROOM(nbelow, nabove) ((nbelow) + 2 * (nabove))

/*
 * @ret: all of @above, and of @below what that leaves uncovered. Both are in
 * ascending order without overlaps, and so is the result; neighbours of one
 * content become one entry. Returns their number, @room at most: the highest
 * ranges are left out when there are more.
 */
u32 lsp_laid_over(const struct lsp_laid *below, u32 nbelow, const struct lsp_laid *above, u32 nabove,
		  struct lsp_laid *ret, u32 room);

/* Whether all of @range is in the list, with the same content. */
bool lsp_laid_covers(const struct lsp_laid *list, u32 n, const struct lsp_laid *range);

static inline bool lsp_laid_meets(const struct lsp_laid *a, const struct lsp_laid *b)
{
	return a->start < b->end && b->start < a->end;
}

static inline bool lsp_laid_within(const struct lsp_laid *inner, const struct lsp_laid *outer)
{
	return outer->start <= inner->start && inner->end <= outer->end && inner->what == outer->what;
}

#endif
