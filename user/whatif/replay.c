// SPDX-License-Identifier: GPL-2.0-only
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A round is drawn from so many that lie together, so that phases of a program stay where they are. */
#define NEAR 16

struct actor {
	uint64_t random;
	uint64_t since_ns;	/* when it queued */
	size_t round;		/* how many it has begun */
	size_t op, end;		/* in the present one */
	uint32_t next;		/* in the queue; NONE: the last */
	uint32_t shard;		/* of the split lock */
	uint32_t changed;	/* holds that the change is for and that it is in */
	bool woken;
	bool granted;
};

struct lock {
	bool taken;
	uint32_t first, last;	/* of the queue */
};

struct event {
	uint64_t time_ns;
	uint64_t order;		/* of events at one time the one that was made first comes first */
	uint32_t actor;
};

struct replay {
	const struct lsp_whatif_program *p;
	struct lsp_whatif_change change;
	uint64_t seed;
	struct actor *actors;
	struct lock *locks;
	struct event *heap;	/* each actor has one event at most */
	size_t n;
	uint64_t order;
	uint64_t random;
	struct lsp_whatif_outcome *ret;
};

void lsp_whatif_program_uninit(struct lsp_whatif_program *p)
{
	free(p->ops);
	free(p->rounds);
	free(p->threads);
	free(p->fair);
	free(p->latencies);
	memset(p, 0, sizeof(*p));
}

static uint64_t draw(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* ---- the heap of events ---- */

static bool before(const struct event *a, const struct event *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

static void event_add(struct replay *r, uint64_t time_ns, uint32_t actor)
{
	const struct event e = { time_ns, r->order++, actor };
	size_t at = r->n++;

	for (; at && before(&e, &r->heap[(at - 1) / 2]); at = (at - 1) / 2)
		r->heap[at] = r->heap[(at - 1) / 2];
	r->heap[at] = e;
}

static struct event event_take(struct replay *r)
{
	const struct event first = r->heap[0], last = r->heap[--r->n];
	size_t at = 0, child;

	for (; (child = 2 * at + 1) < r->n; at = child) {
		if (child + 1 < r->n && before(&r->heap[child + 1], &r->heap[child]))
			child++;
		if (!before(&r->heap[child], &last))
			break;
		r->heap[at] = r->heap[child];
	}
	r->heap[at] = last;
	return first;
}

/* ---- the steps of a thread ---- */

static const struct lsp_whatif_round *round_choose(struct replay *r, const struct lsp_whatif_thread *t, struct actor *a)
{
	size_t at = a->round, low = at - at % NEAR, n = t->n - low < NEAR ? t->n - low : NEAR;

	if (r->seed)
		at = low + draw(&a->random) % n;
	return &r->p->rounds[t->first + at];
}

static bool is_changed(const struct lsp_whatif_change *c, const struct lsp_whatif_op *op)
{
	return c->shorten > 0 && (!c->locks || c->locks[op->lock]) &&
	       (!c->sites || c->sites[op->site]);
}

/* Lets the thread go on to its next step, @now being the time of the one before. */
static void go_on(struct replay *r, uint32_t number, uint64_t now)
{
	const struct lsp_whatif_thread *t = &r->p->threads[number];
	struct actor *a = &r->actors[number];
	uint64_t delay_ns;

	if (a->op == a->end) {
		const struct lsp_whatif_round *round;

		if (a->round == t->n)
			return;
		round = round_choose(r, t, a);
		a->round++;
		a->op = round->first;
		a->end = round->first + round->n;
		a->changed = 0;
	}
	delay_ns = r->p->ops[a->op].delay_ns;
	if (a->changed)
		delay_ns = (uint64_t)((double)delay_ns * (1 - r->change.shorten));
	event_add(r, now + delay_ns, number);
}

static bool is_split(const struct lsp_whatif_change *c, const struct lsp_whatif_op *op)
{
	return c->split > 1 && op->lock == c->split_lock;
}

static struct lock *lock_of(struct replay *r, const struct actor *a, const struct lsp_whatif_op *op)
{
	return &r->locks[is_split(&r->change, op) ? r->p->nlocks + a->shard : op->lock];
}

static uint64_t latency(struct replay *r, const struct lsp_whatif_op *op, struct actor *a)
{
	bool again = a->woken;

	a->woken = true;
	if (op->latency_ns != LSP_WHATIF_NONE && !again)
		return op->latency_ns;
	return r->p->nlatencies ? r->p->latencies[draw(&r->random) % r->p->nlatencies] : 0;
}

static void lock_take(struct replay *r, uint32_t number, uint64_t now)
{
	struct actor *a = &r->actors[number];
	const struct lsp_whatif_op *op = &r->p->ops[a->op++];

	lock_of(r, a, op)->taken = true;
	a->changed += is_changed(&r->change, op);
	a->granted = a->woken = false;
	go_on(r, number, now);
}

static void lock_queue(struct replay *r, struct lock *lock, uint32_t number, uint64_t now)
{
	struct actor *a = &r->actors[number];

	a->since_ns = now;
	a->next = LSP_WHATIF_NONE;
	if (lock->first == LSP_WHATIF_NONE)
		lock->first = number;
	else
		r->actors[lock->last].next = number;
	lock->last = number;
}

/* The first waiter is woken. It gets the lock only if nobody comes before it runs, unless the lock is fair. */
static void lock_release(struct replay *r, uint32_t number, uint64_t now)
{
	struct actor *a = &r->actors[number], *w;
	const struct lsp_whatif_op *op = &r->p->ops[a->op++];
	struct lock *lock = lock_of(r, a, op);
	uint32_t woken = lock->first;

	lock->taken = false;
	if (a->changed && is_changed(&r->change, op))
		a->changed--;
	if (woken != LSP_WHATIF_NONE) {
		w = &r->actors[woken];
		lock->first = w->next;
		r->ret->waiting_ns += (double)(now - w->since_ns);
		r->ret->waits++;
		w->granted = lock->taken = r->p->fair[op->lock];
		event_add(r, now + latency(r, &r->p->ops[w->op], w), woken);
	}
	go_on(r, number, now);
}

static void step(struct replay *r, uint32_t number, uint64_t now)
{
	struct actor *a = &r->actors[number];
	const struct lsp_whatif_op *op = &r->p->ops[a->op];
	struct lock *lock;

	r->ret->end_ns = now;
	if (op->release) {
		lock_release(r, number, now);
		return;
	}
	if (!a->woken && is_split(&r->change, op))
		a->shard = (uint32_t)(draw(&a->random) % r->change.split);
	lock = lock_of(r, a, op);
	if (!lock->taken || a->granted)
		lock_take(r, number, now);
	else
		lock_queue(r, lock, number, now);
}

int lsp_whatif_replay(const struct lsp_whatif_program *p, const struct lsp_whatif_change *c, uint64_t seed,
		      struct lsp_whatif_outcome *ret)
{
	struct replay r = { .p = p, .seed = seed, .random = seed, .ret = ret };
	size_t nlocks;

	memset(ret, 0, sizeof(*ret));
	if (c)
		r.change = *c;
	nlocks = p->nlocks + r.change.split;
	r.actors = calloc(p->nthreads + 1, sizeof(*r.actors));
	r.locks = calloc(nlocks + 1, sizeof(*r.locks));
	r.heap = calloc(p->nthreads + 1, sizeof(*r.heap));
	if (!r.actors || !r.locks || !r.heap) {
		free(r.actors);
		free(r.locks);
		free(r.heap);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nlocks; i++)
		r.locks[i].first = LSP_WHATIF_NONE;
	for (size_t i = 0; i < p->nthreads; i++) {
		r.actors[i].random = seed * 1000003 + i;
		go_on(&r, (uint32_t)i, p->threads[i].start_ns);
	}
	while (r.n) {
		const struct event e = event_take(&r);

		step(&r, e.actor, e.time_ns);
	}
	for (size_t i = 0; i < p->nthreads; i++)
		ret->stuck |= r.actors[i].op < r.actors[i].end || r.actors[i].round < p->threads[i].n;
	free(r.actors);
	free(r.locks);
	free(r.heap);
	return 0;
}
