// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <stddef.h>
#include <string.h>

#include "spin.h"

/* Contended locks of one bucket at one time; more of them are in the pool that all buckets share. */
#define LOCKS 4
#define POOL 16384

struct queue {
	const void *lock;	/* NULL: free */
	uint64_t bases_ns;	/* sum of the times from which the waiters' waits are not yet charged */
	uint64_t cut_ns;	/* when waiters were charged last */
	uint64_t latest_ns;	/* of all steps: a clock read before it counts as that */
	uint32_t waiters;
	bool handoff;		/* let go and not yet taken */
	uint16_t next;		/* in the pool: the next of the bucket or of the free ones, from 1 on */
};

struct bucket {
	uint32_t busy;
	uint32_t process;	/* that has left this here */
	uint16_t more;		/* the first in the pool, from 1 on; 0: none */
	struct queue queues[LOCKS];
};

uint32_t lsp_queue_waiting[LSP_QUEUE_BUCKETS];
static struct bucket buckets[LSP_QUEUE_BUCKETS];
static uint32_t process = 1;

static struct {
	uint32_t busy;
	uint16_t free;		/* the first that has been used and is free again */
	uint16_t used;		/* so many have ever been */
	struct queue queues[POOL];
} pool;

static struct bucket *bucket_take(const void *lock)
{
	struct bucket *b = &buckets[lsp_queue_bucket(lock)];

	lsp_spin_take(&b->busy, process);
	/* Who waited in the process that this one was forked from does not wait here. */
	if (b->process != process) {
		memset(b->queues, 0, sizeof(b->queues));
		b->more = 0;
		b->process = process;
	}
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
	for (uint16_t i = b->more; i && lock; i = pool.queues[i - 1].next)
		if (pool.queues[i - 1].lock == lock)
			return &pool.queues[i - 1];
	return NULL;
}

/* One for another lock; NULL: there is none. */
static struct queue *queue_new(struct bucket *b, const void *lock)
{
	struct queue *q = queue_find(b, NULL);
	uint16_t i = 0;

	if (!q) {
		lsp_spin_take(&pool.busy, process);
		if (pool.free) {
			i = pool.free;
			pool.free = pool.queues[i - 1].next;
		} else if (pool.used < POOL) {
			i = ++pool.used;
		}
		lsp_spin_give(&pool.busy);
		if (!i)
			return NULL;
		q = &pool.queues[i - 1];
	}
	memset(q, 0, sizeof(*q));
	q->lock = lock;
	if (i) {
		q->next = b->more;
		b->more = i;
	}
	return q;
}

static void queue_free(struct bucket *b, struct queue *q)
{
	uint16_t *link = &b->more;

	q->lock = NULL;
	if (q >= b->queues && q < b->queues + LOCKS)
		return;
	while (&pool.queues[*link - 1] != q)
		link = &pool.queues[*link - 1].next;
	*link = q->next;
	lsp_spin_take(&pool.busy, process);
	q->next = pool.free;
	pool.free = (uint16_t)(q - pool.queues + 1);
	lsp_spin_give(&pool.busy);
}

/* A thread reads the clock before it waits for the bucket, so its time may lie before the latest event's. */
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
		q = queue_new(b, lock);
		if (!q)
			goto out;
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
	/* The waiter got the lock without a release that was seen, or gave up: nobody is charged for the rest. */
	ret->tail_ns = now_ns - base;
	ret->now_ns = now_ns;
	q->bases_ns -= base;
	ret->waiters = --q->waiters;
	if (!q->waiters)
		queue_free(b, q);
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

void lsp_queue_process_new(uint32_t tgid)
{
	process = tgid;
	memset(lsp_queue_waiting, 0, sizeof(lsp_queue_waiting));
	pool.free = pool.used = 0;
	pool.busy = 0;
}
