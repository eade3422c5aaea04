// SPDX-License-Identifier: GPL-2.0-only
#include "aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void lsp_aggregate_uninit(struct lsp_aggregate *a)
{
	free(a->rows);
	lsp_index_uninit(&a->index);
	memset(a, 0, sizeof(*a));
}

static bool row_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_aggregate *a = arg;

	return !memcmp(&a->rows[place].key, key, sizeof(a->rows[place].key));
}

struct lsp_sums *lsp_aggregate_at(struct lsp_aggregate *a, const struct lsp_aggregate_key *key)
{
	uint64_t hash = lsp_hash(key, sizeof(*key), 0);
	uint32_t place = lsp_index_find(&a->index, hash, row_equal, a, key);

	if (place != LSP_INDEX_NONE)
		return &a->rows[place].sums;
	if (lsp_array_grow(&a->rows, &a->room, a->n, sizeof(*a->rows)) ||
	    lsp_index_add(&a->index, hash, (uint32_t)a->n))
		return NULL;
	a->rows[a->n].key = *key;
	memset(&a->rows[a->n].sums, 0, sizeof(a->rows[a->n].sums));
	return &a->rows[a->n++].sums;
}

double lsp_weight_block(uint64_t delay_ns, uint64_t rate_ns)
{
	/* The module draws as if a wait of 0 ns had lasted 1 ns. */
	uint64_t d = delay_ns ? delay_ns : 1;

	return d < rate_ns ? (double)rate_ns / (double)d : 1;
}

double lsp_weight_mutex(uint32_t fraction)
{
	return fraction ? fraction : 1;
}

static void add_delay(struct lsp_sums *to, double weight, uint64_t delay_ns)
{
	double stands_for_ns = weight * (double)delay_ns;

	to->kept++;
	to->count += weight;
	to->delay_ns += stands_for_ns;
	to->variance += (1 - 1 / weight) * stands_for_ns * stands_for_ns;
	if (stands_for_ns > to->largest_ns)
		to->largest_ns = stands_for_ns;
}

void lsp_sums_add_span(struct lsp_sums *to, const struct lockspan_span *s)
{
	uint64_t wait_ns = lsp_span_lock_wait_ns(s);
	double w = lsp_weight_block(wait_ns, s->rate_ns);

	to->handoff_ns += w * (double)s->handoff_ns;
	if (!lsp_span_is_contention(s) && s->outcome != LOCKSPAN_OPEN)
		return;
	add_delay(to, w, wait_ns);
	to->sched_ns += w * (double)lsp_span_sched_delay_ns(s);
	to->depth += w * s->depth;
	if (s->rec.flags & LOCKSPAN_SPAN_REWAIT)
		to->rewaits += w;
}

void lsp_sums_add_release(struct lsp_sums *to, const struct lockspan_release *r)
{
	double w = lsp_weight_mutex(r->fraction);

	to->handoff_ns += w * (double)r->handoff_ns;
	add_delay(to, w, r->hold_ns);
	/* The one taken off waited too; a late release found it gone. */
	to->waiters += w * (r->waiters + !(r->rec.flags & LOCKSPAN_RELEASE_LATE));
}

void lsp_sums_merge(struct lsp_sums *to, const struct lsp_sums *from)
{
	to->kept += from->kept;
	to->count += from->count;
	to->delay_ns += from->delay_ns;
	to->variance += from->variance;
	if (from->largest_ns > to->largest_ns)
		to->largest_ns = from->largest_ns;
	to->sched_ns += from->sched_ns;
	to->handoff_ns += from->handoff_ns;
	to->rewaits += from->rewaits;
	to->waiters += from->waiters;
	to->depth += from->depth;
}
