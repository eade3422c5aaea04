// SPDX-License-Identifier: GPL-2.0-only
#include "waits.h"

#include <stdlib.h>

static int moment_compare(const void *a, const void *b)
{
	const struct lsp_moment *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->wait < y->wait ? -1 : x->wait > y->wait;
}

struct lsp_moment *lsp_moments_create(const struct lsp_wait *waits, size_t n, size_t *n_ret)
{
	struct lsp_moment *moments = calloc(n ? n * 3 : 1, sizeof(*moments));
	size_t at = 0;

	if (!moments)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct lsp_wait *w = &waits[i];
		uint64_t end_ns = w->wake_ns ? w->wake_ns : w->run_ns;

		moments[at++] = (struct lsp_moment){ w->enq_ns, (uint32_t)i,
			end_ns > w->enq_ns ? LSP_MOMENT_ENQ : LSP_MOMENT_ENQ_FIRST };
		moments[at++] = (struct lsp_moment){ w->run_ns, (uint32_t)i, LSP_MOMENT_RUN };
		if (w->wake_ns || w->late_ns)
			moments[at++] = (struct lsp_moment){ w->wake_ns ? w->wake_ns : w->late_ns, (uint32_t)i,
				LSP_MOMENT_WAKE };
	}
	qsort(moments, at, sizeof(*moments), moment_compare);
	*n_ret = at;
	return moments;
}
