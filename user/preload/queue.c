// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <stddef.h>
#include <string.h>

#include "../../kmod/core/ledger.h"
#include "spin.h"

/*
 * How many contended locks of one bucket have a place in it. Any more are in the pool, which all
 * buckets share.
 */
#define LOCKS 4
#define POOL 16384

/* The least time between two records of what one lock's waits gave up. */
#define TELL_NS 100000000

/*
 * The module's ledger, with one difference: a wait that begins ends no handoff. A thread may try
 * just before the lock is released and fail; that proves no new holder.
 */
struct queue {
	const void *lock;	/* NULL: free */
	uint64_t key;		/* key of the lock, from the last wait that is carried */
	uint64_t told_ns;	/* when a record last told what its waits gave up */
	struct lsp_ledger ledger;
	uint16_t next;		/* in the pool: number of the next one of the bucket or of the free ones, from 1 on */
};

struct bucket {
	uint32_t busy;
	uint32_t image;		/* the image (thread.h) whose waits these are */
	uint16_t more;		/* number of the first one in the pool, from 1 on; 0: none */
	struct queue queues[LOCKS];
};

uint32_t lsp_queue_waiting[LSP_QUEUE_BUCKETS];
static struct bucket buckets[LSP_QUEUE_BUCKETS];
static uint32_t image = 1;

static struct {
	uint32_t busy;
	uint16_t free;		/* number of the first one that is free again, from 1 on; 0: none */
	uint16_t used;		/* how many have ever been used */
	struct queue queues[POOL];
} pool;

static struct bucket *bucket_take(const void *lock)
{
	struct bucket *b = &buckets[lsp_queue_bucket(lock)];

	lsp_spin_take(&b->busy, image);
	/* A thread that waited in the process from which this one was forked does not wait here. */
	if (b->image != image) {
		memset(b->queues, 0, sizeof(b->queues));
		b->more = 0;
		b->image = image;
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

/* What was given up on @q is reported now. */
static void queue_tell(struct queue *q, uint64_t now_ns, struct lsp_queue_given *given)
{
	struct lsp_ledger *l = &q->ledger;

	if (!l->given_waits)
		return;
	*given = (struct lsp_queue_given){
		.lock = q->lock, .key = q->key, .wait_ns = l->given_ns, .waits = l->given_waits,
	};
	l->given_waits = 0;
	q->told_ns = now_ns;
}

/* Gives up what is carried on @q. Nobody waits for it, and it is not kept any longer. */
static void queue_settle(struct queue *q, struct lsp_queue_given *given)
{
	lsp_ledger_give_up(&q->ledger);
	queue_tell(q, q->ledger.last_ns, given);
}

/*
 * Returns a queue for another lock, or NULL if there is none. A queue that is only kept for what is
 * carried makes room; what is given up with it is written to @given.
 */
static struct queue *queue_new(struct bucket *b, const void *lock, struct lsp_queue_given *given)
{
	struct queue *q = queue_find(b, NULL);
	uint16_t i = 0;

	for (int k = 0; k < LOCKS && !q; k++)
		if (!b->queues[k].ledger.waiters) {
			q = &b->queues[k];
			queue_settle(q, given);
		}

	if (!q) {
		lsp_spin_take(&pool.busy, image);
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
	lsp_spin_take(&pool.busy, image);
	q->next = pool.free;
	pool.free = (uint16_t)(q - pool.queues + 1);
	lsp_spin_give(&pool.busy);
}

/*
 * The last waiter has gone. The queue is kept while something is carried on it, unless it is in the
 * pool, where places are few.
 */
static void queue_leave(struct bucket *b, struct queue *q, struct lsp_queue_given *given)
{
	bool own = q >= b->queues && q < b->queues + LOCKS;

	q->ledger.handoff = false;
	if (own && (q->ledger.carry_waits || q->ledger.given_waits))
		return;
	queue_settle(q, given);
	queue_free(b, q);
}

uint32_t lsp_queue_enter(const void *lock, uint64_t now_ns, uint64_t *base_ns, struct lsp_queue_given *given)
{
	struct bucket *b = bucket_take(lock);
	struct queue *q = queue_find(b, lock);
	struct lsp_ledger *l;
	uint32_t depth = 0;

	memset(given, 0, sizeof(*given));
	*base_ns = now_ns;
	if (!q)
		q = queue_new(b, lock, given);
	if (!q)
		goto out;
	l = &q->ledger;
	/*
	 * A thread reads the clock before it waits for the bucket. So its time may lie before that
	 * of the latest event.
	 */
	now_ns = lsp_ledger_time(l, now_ns);
	if (lsp_ledger_carries(l))
		lsp_ledger_expire(l, now_ns);
	if (now_ns - q->told_ns >= TELL_NS)
		queue_tell(q, now_ns, given);
	l->last_ns = now_ns;
	l->base_sum += now_ns;
	depth = ++l->waiters;
	*base_ns = now_ns;
	__atomic_fetch_add(&lsp_queue_waiting[lsp_queue_bucket(lock)], 1, __ATOMIC_RELAXED);
out:
	bucket_give(b);
	return depth;
}

/*
 * A thread has the lock now, so the handoff ends. Returns how long the others have waited during
 * the handoff.
 */
static uint64_t queue_acquire(struct queue *q, uint64_t now_ns)
{
	struct lsp_ledger *l = &q->ledger;

	if (!l->handoff)
		return 0;
	l->handoff = false;
	l->last_ns = lsp_ledger_time(l, now_ns);
	return ledger_advance(l, l->last_ns);
}

void lsp_queue_leave(const struct lsp_queue_wait *wait, uint64_t now_ns, enum lsp_queue_end end,
		     struct lsp_queue_parts *ret)
{
	static const enum lsp_ledger_leave how[] = {
		/* The waiter got the lock without a release that was seen: nobody is charged for the rest. */
		[LSP_QUEUE_ACQUIRED] = LSP_LEDGER_GONE,
		[LSP_QUEUE_GAVE_UP] = LSP_LEDGER_GAVE_UP,
		[LSP_QUEUE_UNSEEN] = LSP_LEDGER_UNSEEN,
	};
	const struct lsp_ledger_wait w = { .enq_ns = wait->base_ns };
	struct bucket *b = bucket_take(wait->lock);
	struct queue *q = queue_find(b, wait->lock);
	struct lsp_ledger_rest rest;
	uint64_t before_ns = wait->base_ns - wait->start_ns;

	memset(ret, 0, sizeof(*ret));
	if (!q || !q->ledger.waiters)
		goto out;
	ret->found = true;
	if (end == LSP_QUEUE_ACQUIRED)
		ret->handoff_ns = queue_acquire(q, now_ns);
	ret->now_ns = lsp_ledger_time(&q->ledger, now_ns);
	rest = lsp_ledger_leave(&q->ledger, &w, ret->now_ns, how[end]);
	ret->handoff_ns += rest.handoff_ns;
	/* In the time before its base the waiter has waited for the same holder. */
	ret->tail_ns = rest.tail_ns + before_ns;
	ret->carried = rest.carried;
	if (rest.carried) {
		q->ledger.carry_ns += before_ns;
		q->key = wait->key;
	}
	ret->waiters = q->ledger.waiters;
	if (!q->ledger.waiters)
		queue_leave(b, q, &ret->given);
	__atomic_fetch_sub(&lsp_queue_waiting[lsp_queue_bucket(wait->lock)], 1, __ATOMIC_RELAXED);
out:
	bucket_give(b);
}

void lsp_queue_release(const void *lock, uint64_t now_ns, bool last, struct lsp_queue_parts *ret)
{
	struct bucket *b = bucket_take(lock);
	struct queue *q = queue_find(b, lock);
	struct lsp_ledger_charge charge;
	struct lsp_ledger *l;

	memset(ret, 0, sizeof(*ret));
	/*
	 * This is also called for a lock that nobody waits for, when somebody waits for another
	 * lock of its bucket.
	 */
	if (!q || !(q->ledger.waiters || q->ledger.carry_waits))
		goto out;
	l = &q->ledger;
	ret->found = true;
	ret->waiters = l->waiters;
	ret->carried_waits = l->carry_waits;
	charge = ledger_charge(l, lsp_ledger_time(l, now_ns));
	ret->hold_ns = charge.hold_ns;
	ret->carried_ns = charge.carried_ns;
	ret->handoff_ns = charge.handoff_ns;
	l->handoff = last && l->waiters;
out:
	bucket_give(b);
}

uint64_t lsp_queue_acquire(const void *lock, uint64_t now_ns)
{
	struct bucket *b = bucket_take(lock);
	struct queue *q = queue_find(b, lock);
	uint64_t handoff_ns = q ? queue_acquire(q, now_ns) : 0;

	bucket_give(b);
	return handoff_ns;
}

bool lsp_queue_give_up(uint32_t *bucket, struct lsp_queue_given *given)
{
	memset(given, 0, sizeof(*given));
	for (; *bucket < LSP_QUEUE_BUCKETS && !given->waits; ++*bucket) {
		struct bucket *b = &buckets[*bucket];

		/* Nearly all buckets have never been used. */
		if (__atomic_load_n(&b->image, __ATOMIC_RELAXED) != image)
			continue;
		lsp_spin_take(&b->busy, image);
		for (int i = 0; i < LOCKS && !given->waits; i++)
			if (b->queues[i].lock)
				queue_settle(&b->queues[i], given);
		bucket_give(b);
		/* The bucket may have another lock, so the next call looks at it again. */
		if (given->waits)
			return true;
	}
	return false;
}

void lsp_queue_process_new(uint32_t new_image)
{
	image = new_image;
	memset(lsp_queue_waiting, 0, sizeof(lsp_queue_waiting));
	pool.free = pool.used = 0;
	pool.busy = 0;
}
