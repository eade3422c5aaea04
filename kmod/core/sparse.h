/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reduces a window of the stack to the words that unwinding may need: those that point into
 * executable mappings or into the window itself. No other words leave the process. The words that
 * point into text, with their places, give the fingerprint that names the stack.
 */
#ifndef _LSP_CORE_SPARSE_H
#define _LSP_CORE_SPARSE_H

#include "types.h"

/* The executable mapping [start, end). */
struct lsp_range {
	u64 start;
	u64 end;
};

#define LSP_SPARSE_BITMAP_WORDS(words) (((words) + 63) / 64)

/*
 * @window has @words words, which stood at the address @sp. @text has @ntext ranges in ascending
 * order, without overlaps. For each word that is kept, sets bit i of @bitmap, which has
 * LSP_SPARSE_BITMAP_WORDS(words) words. Copies the kept words in order to @kept, which may be
 * @window. Folds the words that point into text into *@print. Returns how many words were kept.
 */
u32 lsp_sparse_filter(const u64 *window, u32 words, u64 sp, const struct lsp_range *text,
		      u32 ntext, u64 *bitmap, u64 *kept, u64 *print);

/* An odd number with well spread bits. Multiplying by an odd number maps no two values to the same one. */
#define LSP_PRINT_STEP 0x9e3779b97f4a7c15ULL

/* Folds one value into a fingerprint. */
static inline u64 lsp_print_fold(u64 print, u64 value)
{
	print = (print ^ value) * 0xff51afd7ed558ccdULL;
	return print ^ (print >> 32);
}

/*
 * Begins a fingerprint with one value, which is spread over all bits. A fingerprint that began with the
 * value itself would become value ^ next value, which is the same number for many pairs of small values.
 */
static inline u64 lsp_print_begin(u64 value)
{
	return lsp_print_fold(LSP_PRINT_STEP, value);
}

/* Ends a fingerprint. The result is never 0, and its top bit is set. */
static inline u64 lsp_print_end(u64 print)
{
	return lsp_print_fold(print, LSP_PRINT_STEP) | (1ULL << 63);
}

#endif
