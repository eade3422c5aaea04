/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process has in which place: sorted lists of executable ranges, each with a number that
 * stands for its content. Two lists are laid one upon the other as by mmap: what lies above hides
 * what lies below.
 */
#ifndef _LSP_CORE_LAID_H
#define _LSP_CORE_LAID_H

#include "types.h"

/*
 * The range [start, end). Equal numbers @what mean equal content. For a file the offset is part of
 * the number.
 */
struct lsp_laid {
	u64 start;
	u64 end;
	u64 what;
};

/* The largest number of entries that lsp_laid_over() makes of lists of these lengths. */
#define LSP_LAID_ROOM(nbelow, nabove) ((nbelow) + 2 * (nabove))

/*
 * Writes to @ret all of @above, and what it does not cover of @below. Both lists are in ascending
 * order without overlaps, and so is the result. Neighbours with the same content become one entry.
 * Returns the number of entries, at most @room. If there are more, the highest ranges are left out.
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
