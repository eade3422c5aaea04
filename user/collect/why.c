// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

#include <stdlib.h>

/* A row has few kinds of parts, unless its holders wait for very many locks. */
#define SUMS_FIRST 4
#define SUMS_MAX 256

static struct lsp_why_sum *sum_new(struct lsp_why **to, uint64_t what)
{
	struct lsp_why *w = *to;

	if (!w || w->n == w->room) {
		size_t room = w ? 2 * w->room : SUMS_FIRST;

		if (room > SUMS_MAX)
			return NULL;
		w = realloc(w, sizeof(*w) + room * sizeof(w->sums[0]));
		if (!w)
			return NULL;
		if (!*to)
			w->n = 0;
		w->room = room;
		*to = w;
	}
	w->sums[w->n] = (struct lsp_why_sum){ .what = what };
	return &w->sums[w->n++];
}

void lsp_why_add_part(struct lsp_why **to, uint64_t what, uint64_t ns)
{
	struct lsp_why *w = *to;
	struct lsp_why_sum *sum;

	for (size_t i = 0; w && i < w->n; i++) {
		if (w->sums[i].what == what) {
			w->sums[i].ns += ns;
			return;
		}
	}
	sum = sum_new(to, what);
	if (sum)
		sum->ns += ns;
}

void lsp_why_add(struct lsp_why **to, const struct lockspan_release *r)
{
	const struct lockspan_why_part *part = (const void *)(r + 1);
	size_t n = (r->rec.bytes - sizeof(*r)) / sizeof(*part);
	uint64_t weight = r->fraction > 1 ? r->fraction : 1;

	for (size_t i = 0; i < n; i++)
		lsp_why_add_part(to, part[i].what, part[i].ns * weight);
}

void lsp_why_merge(struct lsp_why **to, const struct lsp_why *from)
{
	for (size_t i = 0; from && i < from->n; i++)
		lsp_why_add_part(to, from->sums[i].what, from->sums[i].ns);
}
