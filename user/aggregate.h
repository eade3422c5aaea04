/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sums of kept events by what they have in common. Memory grows with distinct
 * keys, not with events. What the fields of a key number is the caller's
 * affair; the collector keeps one table of what is still to be resolved and
 * one of what is.
 */
#ifndef LSP_AGGREGATE_H
#define LSP_AGGREGATE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/index.h"
#include "capture/span.h"
#include "profile/estimate.h"

/* No padding: compared and hashed as bytes. */
struct lsp_aggregate_key {
	uint64_t stack;
	uint64_t lock;
	uint64_t key;
	uint32_t tgid;
	uint32_t owner;		/* process of the lock's address */
	uint32_t comm;
	uint32_t kind;
	uint32_t tid;		/* until it is resolved */
	uint32_t zero;
};

/* The rest is weighted as the estimate is: each kept event stands for 1 / p. */
struct lsp_sums {
	struct lsp_estimate estimate;	/* delay: lock wait, or hold charge */
	double sched_ns;
	double handoff_ns;
	double tail_ns;
	double rewaits;		/* woken before and back at once */
	double waiters;		/* charged by a release */
	double depth;		/* of the queue at enq, its sum */
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

/* The sums of @key, all zero if it is new; NULL: no memory. Valid until the next call. */
struct lsp_sums *lsp_aggregate_at(struct lsp_aggregate *a, const struct lsp_aggregate_key *key);

/*
 * Adds an event. A span that neither is a contention nor is still open
 * (NOSLEEP, ERROR) adds its handoff alone.
 */
void lsp_sums_add_span(struct lsp_sums *to, const struct lockspan_span *s);
void lsp_sums_add_release(struct lsp_sums *to, const struct lockspan_release *r);
void lsp_sums_merge(struct lsp_sums *to, const struct lsp_sums *from);

#endif
