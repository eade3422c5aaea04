/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Thins a window of stack to the words that unwinding can need: those that
 * point into executable mappings or into the window itself. Nothing else of
 * the process leaves it. The text words and where they stand make the
 * fingerprint that names the stack.
 */
#ifndef _LSP_CORE_SPARSE_H
#define _LSP_CORE_SPARSE_H

#include "types.h"

/* An executable mapping, [start, end). */
struct lsp_range {
	u64 start;
	u64 end;
};

#define LSP_SPARSE_BITMAP_WORDS(words) (((words) + 63) / 64)

/*
 * @window: @words words that stood at address @sp; @text: @ntext ranges in
 * ascending order, not overlapping. Sets bit i of @bitmap (of
 * LSP_SPARSE_BITMAP_WORDS(words) words) for each word kept and copies those to
 * @kept in order; @kept may be @window. Folds the text words into *@print.
 * Returns the number kept.
 */
u32 lsp_sparse_filter(const u64 *window, u32 words, u64 sp, const struct lsp_range *text,
		      u32 ntext, u64 *bitmap, u64 *kept, u64 *print);

/* Odd, with well spread bits: multiplication by it is a bijection. */
#define LSP_PRINT_STEP 0x9e3779b97f4a7c15ULL

/* Folds one value into a fingerprint that began with any seed; and ends it (never 0, top bit set). */
static inline u64 lsp_print_fold(u64 print, u64 value)
{
	print = (print ^ value) * 0xff51afd7ed558ccdULL;
	return print ^ (print >> 32);
}

static inline u64 lsp_print_end(u64 print)
{
	return lsp_print_fold(print, LSP_PRINT_STEP) | (1ULL << 63);
}

#endif
