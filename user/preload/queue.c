// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <stddef.h>
#include <string.h>

#include "../../kmod/core/ledger.h"
#include "spin.h"

/* Contended locks of one bucket at one time; more of them are in the pool that all buckets share. */
#define LOCKS 4
#define POOL 16384

/* So much time lies between two records of what one lock's waits gave up. */
#define TELL_NS 100000000

/*
 * The module's ledger, but for one thing: a wait that begins ends no handoff, because a try that fails just
 * before the lock is let go in truth proves no other holder.
 */
struct queue {
	const void *lock;	/* NULL: free */
	uint64_t key;		/* of the lock, as the last wait that is carried knew it */
	uint64_t told_ns;	/* when its waits were last told as given up */
	struct lsp_ledger ledger;
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

/* What has been given up on @q is to be told now. */
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

/* Nobody waits for @q, and it is kept no longer. */
static void queue_settle(struct queue *q, struct lsp_queue_given *given)
{
	lsp_ledger_give_up(&q->ledger);
	queue_tell(q, q->ledger.last_ns, given);
}

/*
 * One for another lock; NULL: there is none. One that is kept for what is carried only has to make room: @given
 * is for that.
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

/* The last waiter has gone. It is kept as long as something is carried on it, but not where places are few. */
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
	/* A thread reads the clock before it waits for the bucket, so its time may lie before the latest event's. */
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

/* Whoever has the lock now ends its way to him. Returns how long the others have waited on that way. */
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
	/* Before it was accounted it has waited for the same holder. */
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
	/* One that nobody waits for is seen by chance, where another lock of its bucket is waited for. */
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

		/* Nearly all have never been used. */
		if (__atomic_load_n(&b->process, __ATOMIC_RELAXED) != process)
			continue;
		lsp_spin_take(&b->busy, process);
		for (int i = 0; i < LOCKS && !given->waits; i++)
			if (b->queues[i].lock)
				queue_settle(&b->queues[i], given);
		bucket_give(b);
		/* There may be another one in it. */
		if (given->waits)
			return true;
	}
	return false;
}

void lsp_queue_process_new(uint32_t tgid)
{
	process = tgid;
	memset(lsp_queue_waiting, 0, sizeof(lsp_queue_waiting));
	pool.free = pool.used = 0;
	pool.busy = 0;
}
