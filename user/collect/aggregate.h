/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of rows, and the sums of one row (struct lsp_sums): adds an event to the sums, and adds
 * (merges) the sums of another row. A row has the kept events of the same stack, lock, process and
 * thread: of one struct lsp_aggregate_key, which is not the key of a futex word. Memory grows with
 * the number of rows, not of events. The caller decides what the numbers in the fields mean: the
 * collector has one table for what is still to be resolved and one for what has been.
 */
#ifndef LSP_COLLECT_AGGREGATE_H
#define LSP_COLLECT_AGGREGATE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"
#include "../capture/span.h"
#include "../profile/estimate.h"
#include "why.h"

/* There is no padding, because keys are compared and hashed as bytes. */
struct lsp_aggregate_key {
	uint64_t stack;
	uint64_t lock;
	uint64_t key;
	uint32_t tgid;
	uint32_t owner;		/* process of the lock's address */
	uint32_t comm;
	uint32_t kind;
	uint32_t tid;		/* the thread, as long as the row is not resolved */
	uint32_t generation;	/* of the mappings that name the lock, if locks are named at the end */
};

/* Events that were kept for certain. Their sums are whole numbers, which are quick to add. */
struct lsp_tally {
	struct lsp_certain certain;
	uint64_t sched_ns;
	uint64_t handoff_ns;
	uint64_t tail_ns;
	uint64_t carried_ns;
	uint64_t rewaits;
	uint64_t waiters;
	uint64_t depth;
};

/* Estimates: each event that was kept with the probability p stands for 1 / p events. */
struct lsp_sums {
	struct lsp_tally tally;		/* not yet added to the estimates; see lsp_sums_settle() */
	struct lsp_estimate estimate;	/* delay: lock wait, or hold charge */
	double sched_ns;
	double handoff_ns;
	double tail_ns;		/* not yet charged when the waits ended */
	double carried_ns;	/* part of the releases' hold: tails of waits that had left */
	double rewaits;		/* waits of a thread that was woken just before */
	double waiters;		/* waiters for whom releases were charged */
	double depth;		/* sum of the numbers of waiters at each enq */
	uint32_t spread;	/* the number of their lock's histogram of waits, or of hold charges (spreads.h) */
	struct lsp_why *why;	/* of releases; NULL: none of them says. It belongs to the row */
};

struct lsp_aggregate_row {
	struct lsp_aggregate_key key;
	struct lsp_sums sums;
};

/* All zero is an empty table. */
struct lsp_aggregate {
	struct lsp_aggregate_row *rows;
	size_t n;
	size_t room;
	struct lsp_index index;
};

void lsp_aggregate_uninit(struct lsp_aggregate *a);

/*
 * Returns the sums of @key, which are zero if the key is new, or NULL if there is no memory. Valid
 * until the next call.
 */
struct lsp_sums *lsp_aggregate_at(struct lsp_aggregate *a, const struct lsp_aggregate_key *key);

/*
 * The distance in bytes of sums that lsp_aggregate_at() returned from the first row; and the sums
 * at such a distance.
 */
static inline size_t lsp_aggregate_offset(const struct lsp_aggregate *a, const struct lsp_sums *sums)
{
	return (size_t)((const char *)sums - (const char *)a->rows);
}

static inline struct lsp_sums *lsp_aggregate_sums(const struct lsp_aggregate *a, size_t offset)
{
	return (void *)((char *)a->rows + offset);
}

/* The parts of the next two for what is not kept for certain or is no contention. */
void lsp_sums_add_drawn_span(struct lsp_sums *to, const struct lockspan_span *s);
void lsp_sums_add_drawn_release(struct lsp_sums *to, const struct lockspan_release *r);

/* Adds a wait that was kept for certain, as lsp_sums_add_span() does. */
static inline void lsp_sums_add_certain_span(struct lsp_sums *to, const struct lockspan_span *s,
					     uint64_t wait_ns, uint64_t sched_ns)
{
	struct lsp_tally *t = &to->tally;

	lsp_certain_add(&t->certain, wait_ns);
	if (s->rate_ns > t->certain.block_rate_ns)
		t->certain.block_rate_ns = s->rate_ns;
	t->sched_ns += sched_ns;
	t->handoff_ns += s->handoff_ns;
	t->tail_ns += s->tail_ns;
	t->depth += s->depth;
	t->rewaits += !!(s->rec.flags & LOCKSPAN_SPAN_REWAIT);
}

/*
 * Adds an event. A span that neither is a contention nor is still open
 * (NOSLEEP, ERROR) adds its handoff alone.
 */
static inline void lsp_sums_add_span(struct lsp_sums *to, const struct lockspan_span *s)
{
	uint64_t wait_ns = lsp_span_lock_wait_ns(s);

	if (wait_ns < s->rate_ns || !(lsp_span_is_contention(s) || s->outcome == LOCKSPAN_OPEN))
		lsp_sums_add_drawn_span(to, s);
	else
		lsp_sums_add_certain_span(to, s, wait_ns, lsp_span_sched_delay_ns(s));
}

static inline void lsp_sums_add_release(struct lsp_sums *to, const struct lockspan_release *r)
{
	struct lsp_tally *t = &to->tally;

	if (r->fraction > 1) {
		lsp_sums_add_drawn_release(to, r);
		return;
	}
	lsp_certain_add(&t->certain, r->hold_ns);
	if (r->rec.flags & LOCKSPAN_RELEASE_WHY)
		lsp_why_add(&to->why, r);
	t->handoff_ns += r->handoff_ns;
	t->carried_ns += r->carried_ns;
	/* The waiter that is released has waited too. A late release found it gone. */
	t->waiters += r->waiters + !(r->rec.flags & LOCKSPAN_RELEASE_LATE);
}

/* Adds what waits of a key have given up. It is exact, whatever the rates are. */
static inline void lsp_sums_add_given_up(struct lsp_sums *to, const struct lockspan_given_up *g)
{
	struct lsp_certain *c = &to->tally.certain;

	c->kept += g->waits;
	c->with_delay += g->waits;
	c->delay_ns += g->wait_ns;
	if (g->wait_ns > c->largest_ns)
		c->largest_ns = g->wait_ns;
}

/* Adds the tally to the estimates. To be called before the sums are read or merged. */
void lsp_sums_settle(struct lsp_sums *s);

void lsp_sums_merge(struct lsp_sums *to, const struct lsp_sums *from);

#endif
