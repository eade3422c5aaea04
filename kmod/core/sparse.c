// SPDX-License-Identifier: GPL-2.0-only
#include "sparse.h"

#define STEP LSP_PRINT_STEP

static bool in_text(u64 word, const struct lsp_range *text, u32 ntext)
{
	u32 low = 0, high = ntext, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (word >= text[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ntext && word >= text[low].start;
}

u32 lsp_sparse_filter(const u64 *window, u32 words, u64 sp, const struct lsp_range *text,
		      u32 ntext, u64 *bitmap, u64 *kept, u64 *print)
{
	u64 first = ntext ? text[0].start : ~0ULL;
	u64 span = ntext ? text[ntext - 1].end - first : 0;
	u64 bytes = (u64)words * 8;
	u64 bits = 0, word;
	u32 i, n = 0;

	for (i = 0; i < words; i++) {
		if (i && !(i & 63)) {
			bitmap[i / 64 - 1] = bits;
			bits = 0;
		}
		word = window[i];
		/*
		 * Most words are small numbers or pointers to the heap. One comparison is enough to
		 * drop these.
		 */
		if (word - first < span && in_text(word, text, ntext))
			*print = lsp_print_fold(*print, word + i * STEP);
		else if (word - sp >= bytes)
			continue;
		bits |= 1ULL << (i & 63);
		kept[n++] = word;
	}
	if (words)
		bitmap[(words - 1) / 64] = bits;
	return n;
}
