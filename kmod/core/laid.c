// SPDX-License-Identifier: GPL-2.0-only
#include "laid.h"

static u32 put(struct lsp_laid *ret, u32 n, u32 room, u64 start, u64 end, u64 what)
{
	if (start >= end)
		return n;
	if (n && ret[n - 1].end == start && ret[n - 1].what == what) {
		ret[n - 1].end = end;
		return n;
	}
	if (n == room)
		return n;
	ret[n] = (struct lsp_laid){ start, end, what };
	return n + 1;
}

u32 lsp_laid_over(const struct lsp_laid *below, u32 nbelow, const struct lsp_laid *above, u32 nabove,
		  struct lsp_laid *ret, u32 room)
{
	u32 a, b = 0, n = 0;
	u64 from = 0;	/* what of below[b] is still to be dealt with begins here */

	for (a = 0; a <= nabove; a++) {
		u64 until = a < nabove ? above[a].start : ~0ULL;

		/* Takes over what lies below and begins before the next range above. */
		for (; b < nbelow && below[b].start < until; b++) {
			u64 start = below[b].start > from ? below[b].start : from;
			u64 end = below[b].end < until ? below[b].end : until;

			n = put(ret, n, room, start, end, below[b].what);
			if (below[b].end > until)
				break;
		}
		if (a == nabove)
			break;
		n = put(ret, n, room, above[a].start, above[a].end, above[a].what);
		from = above[a].end;
		while (b < nbelow && below[b].end <= from)
			b++;
	}
	return n;
}

bool lsp_laid_covers(const struct lsp_laid *list, u32 n, const struct lsp_laid *range)
{
	u32 low = 0, high = n;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (list[middle].end <= range->start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && lsp_laid_within(range, &list[low]);
}
