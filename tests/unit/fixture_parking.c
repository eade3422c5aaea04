// SPDX-License-Identifier: GPL-2.0-only
#include "fixture_parking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

#define STATE 624

static uint32_t state[STATE];
static int state_at;

static void state_begin(uint32_t seed)
{
	state[0] = seed;
	for (int i = 1; i < STATE; i++)
		state[i] = 1812433253U * (state[i - 1] ^ state[i - 1] >> 30) + (uint32_t)i;
	state_at = STATE;
}

/* The seeding by an array of one number. */
void twister_seed(uint32_t seed)
{
	int i = 1;

	state_begin(19650218U);
	for (int k = STATE; k; k--) {
		state[i] = (state[i] ^ (state[i - 1] ^ state[i - 1] >> 30) * 1664525U) + seed;
		if (++i == STATE) {
			state[0] = state[STATE - 1];
			i = 1;
		}
	}
	for (int k = STATE - 1; k; k--) {
		state[i] = (state[i] ^ (state[i - 1] ^ state[i - 1] >> 30) * 1566083941U) - (uint32_t)i;
		if (++i == STATE) {
			state[0] = state[STATE - 1];
			i = 1;
		}
	}
	state[0] = 0x80000000U;
}

static uint32_t twister_next(void)
{
	uint32_t y;

	if (state_at == STATE) {
		for (int i = 0; i < STATE; i++) {
			y = (state[i] & 0x80000000U) | (state[(i + 1) % STATE] & 0x7fffffffU);
			state[i] = state[(i + 397) % STATE] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfU : 0);
		}
		state_at = 0;
	}
	y = state[state_at++];
	y ^= y >> 11;
	y ^= y << 7 & 0x9d2c5680U;
	y ^= y << 15 & 0xefc60000U;
	return y ^ y >> 18;
}

double twister_random(void)
{
	uint32_t a = twister_next() >> 5, b = twister_next() >> 6;

	return (a * 67108864.0 + b) / 9007199254740992.0;
}

uint32_t twister_below(uint32_t n)
{
	int bits = 0;
	uint32_t r;

	while (n >> bits)
		bits++;
	do {
		r = twister_next() >> (32 - bits);
	} while (r >= n);
	return r;
}

static double between(double low, double high)
{
	return low + (high - low) * twister_random();
}

/* ---- events ---- */

#define THREADS 64
#define LOCKS 8
#define OPS 300

enum what { WANT, UNLOCK, RAN };

struct event {
	double t;
	uint64_t order;
	enum what what;
	int thread;
};

struct thread {
	int todo[2], ntodo;
	int held[2], nheld;
	int rounds;
	int wait;		/* number of the wait that it sleeps or slept in */
};

struct lock {
	int owner;		/* -1: free */
	double since;
	int queue[THREADS], n;
	double enq[THREADS];
};

static struct {
	const struct parking *p;
	int rounds;
	struct event *heap;
	size_t nheap, room;
	uint64_t order;
	struct thread threads[THREADS];
	struct lock locks[LOCKS];
	double truth[THREADS];
	struct parked *out;
	size_t out_room;
} sim;

static bool before(const struct event *a, const struct event *b)
{
	return a->t != b->t ? a->t < b->t : a->order < b->order;
}

static void at(double t, enum what what, int thread)
{
	struct event e = { t, sim.order++, what, thread };
	size_t i = sim.nheap++;

	lsp_array_grow(&sim.heap, &sim.room, i, sizeof(e));
	for (; i && before(&e, &sim.heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim.heap[i] = sim.heap[(i - 1) / 2];
	sim.heap[i] = e;
}

static struct event next(void)
{
	struct event first = sim.heap[0], last = sim.heap[--sim.nheap];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < sim.nheap) {
		if (child + 1 < sim.nheap && before(&sim.heap[child + 1], &sim.heap[child]))
			child++;
		if (before(&last, &sim.heap[child]))
			break;
		sim.heap[i] = sim.heap[child];
		i = child;
	}
	sim.heap[i] = last;
	return first;
}

static uint64_t ns(double t)
{
	return (uint64_t)llround(t * 1e9) + 1000000;
}

/* ---- threads and locks ---- */

static void start(double t, int thread)
{
	struct thread *th = &sim.threads[thread];
	double think_s = (sim.p->locks == 1 ? .004 : .002) * sim.p->slow_s / .020, begin;

	if (th->rounds++ >= sim.rounds)
		return;
	begin = t - log(1 - twister_random()) * think_s;
	th->nheld = 0;
	th->ntodo = 1;
	if (!sim.p->nested || twister_random() < .5) {
		th->todo[0] = (int)twister_below((uint32_t)sim.p->locks);
	} else {
		/* Two different ones of two: which comes first decides nothing, but draws. */
		twister_below(2);
		twister_below(1);
		th->todo[0] = 0;
		th->todo[1] = 1;
		th->ntodo = 2;
	}
	at(begin, WANT, thread);
}

static int wait_add(double t, int thread, int lock)
{
	struct parked *out = sim.out;
	size_t n = out->n++, room = sim.out_room;
	uint32_t site = sim.p->own_sites ? (uint32_t)lock : 0;

	lsp_array_grow(&out->waits, &room, n, sizeof(*out->waits));
	lsp_array_grow(&out->locks, &sim.out_room, n, sizeof(*out->locks));
	out->waits[n] = (struct lsp_wait){
		.key = 1000 + (uint64_t)thread, .enq_ns = ns(t), .tid = 100 + (uint32_t)thread, .site = site,
		.by_site = site, .span = (uint32_t)n, .release = (uint32_t)n,
	};
	out->locks[n] = lock;
	return (int)n;
}

static void want(double t, int thread)
{
	struct thread *th = &sim.threads[thread];
	struct lock *l = &sim.locks[th->todo[0]];

	if (l->owner >= 0) {
		th->wait = wait_add(t, thread, th->todo[0]);
		l->enq[l->n] = t;
		l->queue[l->n++] = thread;
		return;
	}
	l->owner = thread;
	l->since = t;
	th->held[th->nheld++] = th->todo[0];
	th->todo[0] = th->todo[1];
	if (--th->ntodo) {
		want(t, thread);
		return;
	}
	at(t + (thread ? sim.p->fast_s : sim.p->slow_s) * between(.8, 1.2), UNLOCK, thread);
}

static void unlock(double t, int thread)
{
	struct thread *th = &sim.threads[thread];
	struct lock *l = &sim.locks[th->held[--th->nheld]];

	for (int i = 0; i < l->n; i++)
		sim.truth[thread] += t - fmax(l->enq[i], l->since);
	l->owner = -1;
	if (l->n) {
		int woken = l->queue[0];
		struct lsp_wait *w = &sim.out->waits[sim.threads[woken].wait];

		l->n--;
		memmove(l->queue, l->queue + 1, (size_t)l->n * sizeof(*l->queue));
		memmove(l->enq, l->enq + 1, (size_t)l->n * sizeof(*l->enq));
		w->wake_ns = ns(t);
		w->by = 100 + (uint32_t)thread;
		if (sim.p->fair) {
			l->owner = woken;
			l->since = t;
		}
		at(t + between(.5, 1.5) * sim.p->wake_s, RAN, woken);
	}
	if (th->nheld)
		at(t + 1e-7, UNLOCK, thread);
	else
		start(t, thread);
}

static void ran(double t, int thread)
{
	struct thread *th = &sim.threads[thread];
	struct lock *l = &sim.locks[th->todo[0]];
	double since = l->since;

	sim.out->waits[th->wait].run_ns = ns(t);
	/* It owns the lock already, or has to find it free. */
	if (sim.p->fair)
		l->owner = -1;
	want(t, thread);
	if (sim.p->fair)
		l->since = since;
}

void parking_run(const struct parking *p, uint32_t seed, struct parked *ret)
{
	parking_run_rounds(p, seed, OPS, ret);
}

void parking_run_rounds(const struct parking *p, uint32_t seed, int rounds, struct parked *ret)
{
	double all = 0;

	memset(&sim, 0, sizeof(sim));
	memset(ret, 0, sizeof(*ret));
	sim.p = p;
	sim.rounds = rounds;
	sim.out = ret;
	twister_seed(seed);
	for (int i = 0; i < p->locks; i++)
		sim.locks[i].owner = -1;
	for (int i = 0; i < p->threads; i++)
		start(0, i);
	while (sim.nheap) {
		struct event e = next();

		(e.what == WANT ? want : e.what == UNLOCK ? unlock : ran)(e.t, e.thread);
	}
	free(sim.heap);
	for (int i = 0; i < p->threads; i++)
		all += sim.truth[i];
	ret->truth = 100 * sim.truth[0] / all;
}

void parked_uninit(struct parked *p)
{
	free(p->waits);
	free(p->locks);
	memset(p, 0, sizeof(*p));
}
