// SPDX-License-Identifier: GPL-2.0-only
#include "aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void lsp_aggregate_uninit(struct lsp_aggregate *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->rows[i].sums.why);
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

void lsp_sums_add_drawn_span(struct lsp_sums *to, const struct lockspan_span *s)
{
	uint64_t wait_ns = lsp_span_lock_wait_ns(s);
	double weight;

	if (!lsp_span_is_contention(s) && s->outcome != LOCKSPAN_OPEN) {
		weight = lsp_contribution_block(wait_ns, s->rate_ns).count;
		to->handoff_ns += weight * (double)s->handoff_ns;
		return;
	}
	weight = lsp_estimate_add_block(&to->estimate, wait_ns, s->rate_ns);
	to->handoff_ns += weight * (double)s->handoff_ns;
	to->sched_ns += weight * (double)lsp_span_sched_delay_ns(s);
	to->tail_ns += weight * (double)s->tail_ns;
	to->depth += weight * s->depth;
	if (s->rec.flags & LOCKSPAN_SPAN_REWAIT)
		to->rewaits += weight;
}

void lsp_sums_add_drawn_release(struct lsp_sums *to, const struct lockspan_release *r)
{
	double weight = lsp_estimate_add_mutex(&to->estimate, r->hold_ns, r->fraction);

	if (r->rec.flags & LOCKSPAN_RELEASE_WHY)
		lsp_why_add(&to->why, r);
	to->handoff_ns += weight * (double)r->handoff_ns;
	to->carried_ns += weight * (double)r->carried_ns;
	to->waiters += weight * (r->waiters + !(r->rec.flags & LOCKSPAN_RELEASE_LATE));
}

void lsp_sums_settle(struct lsp_sums *s)
{
	const struct lsp_tally *t = &s->tally;

	lsp_estimate_add_certain(&s->estimate, &t->certain);
	s->sched_ns += t->sched_ns;
	s->handoff_ns += t->handoff_ns;
	s->tail_ns += t->tail_ns;
	s->carried_ns += t->carried_ns;
	s->rewaits += t->rewaits;
	s->waiters += t->waiters;
	s->depth += t->depth;
	memset(&s->tally, 0, sizeof(s->tally));
}

void lsp_sums_merge(struct lsp_sums *to, const struct lsp_sums *from)
{
	lsp_estimate_merge(&to->estimate, &from->estimate);
	to->sched_ns += from->sched_ns;
	to->handoff_ns += from->handoff_ns;
	to->tail_ns += from->tail_ns;
	to->carried_ns += from->carried_ns;
	to->rewaits += from->rewaits;
	to->waiters += from->waiters;
	to->depth += from->depth;
	if (!to->spread)
		to->spread = from->spread;
	lsp_why_merge(&to->why, from->why);
}
