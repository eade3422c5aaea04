// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <stddef.h>
#include <string.h>

#include "spin.h"

/* Contended locks of one bucket at one time; beyond it they are not accounted. */
#define LOCKS 4

struct queue {
	const void *lock;	/* NULL: free */
	uint64_t bases_ns;	/* sum of the times from which the waiters' waits are not yet charged */
	uint64_t cut_ns;	/* when waiters were charged last */
	uint64_t latest_ns;	/* of all steps: a clock read before it counts as that */
	uint32_t waiters;
	bool handoff;		/* let go and not yet taken */
};

struct bucket {
	uint32_t busy;
	struct queue queues[LOCKS];
};

uint32_t lsp_queue_waiting[LSP_QUEUE_BUCKETS];
static struct bucket buckets[LSP_QUEUE_BUCKETS];

static struct bucket *bucket_take(const void *lock)
{
	struct bucket *b = &buckets[lsp_queue_bucket(lock)];

	lsp_spin_take(&b->busy);
	return b;
}

static void bucket_give(struct bucket *b)
{
	lsp_spin_give(&b->busy);
}

static struct queue *queue_find(struct bucket *b, const void *lock)
{
	for (int i = 0; i < LOCKS; i++)
		if (b->queues[i].lock == lock)
			return &b->queues[i];
	return NULL;
}

/* Whoever reads the clock and then waits for the bucket comes with an old time. */
static uint64_t step(struct queue *q, uint64_t now_ns)
{
	if (q->latest_ns < now_ns)
		q->latest_ns = now_ns;
	return q->latest_ns;
}

static uint64_t advance(struct queue *q, uint64_t now_ns)
{
	uint64_t amount;

	now_ns = step(q, now_ns);
	amount = q->waiters * now_ns - q->bases_ns;
	q->bases_ns = q->waiters * now_ns;
	q->cut_ns = now_ns;
	return amount;
}

uint32_t lsp_queue_enter(const void *lock, uint64_t now_ns, uint64_t *base_ns)
{
	struct bucket *b = bucket_take(lock);
	struct queue *q = queue_find(b, lock);
	uint32_t depth = 0;

	*base_ns = now_ns;
	if (!q) {
		q = queue_find(b, NULL);
		if (!q)
			goto out;
		memset(q, 0, sizeof(*q));
		q->lock = lock;
		q->cut_ns = now_ns;
	}
	*base_ns = step(q, now_ns);
	q->bases_ns += *base_ns;
	depth = ++q->waiters;
	__atomic_fetch_add(&lsp_queue_waiting[lsp_queue_bucket(lock)], 1, __ATOMIC_RELAXED);
out:
	bucket_give(b);
	return depth;
}

void lsp_queue_leave(const void *lock, uint64_t enter_ns, uint64_t now_ns, bool acquired,
		     struct lsp_queue_parts *ret)
{
	struct bucket *b = bucket_take(lock);
	struct queue *q = queue_find(b, lock);
	uint64_t base;

	memset(ret, 0, sizeof(*ret));
	if (!q)
		goto out;
	ret->found = true;
	if (acquired && q->handoff) {
		ret->handoff_ns = advance(q, now_ns);
		q->handoff = false;
	}
	base = enter_ns > q->cut_ns ? enter_ns : q->cut_ns;
	now_ns = step(q, now_ns);
	/* Got without a release that was seen, or given up: nobody answers for the rest. */
	ret->tail_ns = now_ns - base;
	ret->now_ns = now_ns;
	q->bases_ns -= base;
	ret->waiters = --q->waiters;
	if (!q->waiters)
		q->lock = NULL;
	__atomic_fetch_sub(&lsp_queue_waiting[lsp_queue_bucket(lock)], 1, __ATOMIC_RELAXED);
out:
	bucket_give(b);
}

void lsp_queue_release(const void *lock, uint64_t now_ns, bool last, struct lsp_queue_parts *ret)
{
	struct bucket *b = bucket_take(lock);
	struct queue *q = queue_find(b, lock);

	memset(ret, 0, sizeof(*ret));
	if (q) {
		ret->found = true;
		ret->waiters = q->waiters;
		if (q->handoff)
			ret->handoff_ns = advance(q, now_ns);
		else
			ret->hold_ns = advance(q, now_ns);
		q->handoff = last;
	}
	bucket_give(b);
}

uint64_t lsp_queue_acquire(const void *lock, uint64_t now_ns)
{
	struct bucket *b = bucket_take(lock);
	struct queue *q = queue_find(b, lock);
	uint64_t handoff_ns = 0;

	if (q && q->handoff) {
		handoff_ns = advance(q, now_ns);
		q->handoff = false;
	}
	bucket_give(b);
	return handoff_ns;
}

void lsp_queue_reset(void)
{
	memset(buckets, 0, sizeof(buckets));
	memset(lsp_queue_waiting, 0, sizeof(lsp_queue_waiting));
}
