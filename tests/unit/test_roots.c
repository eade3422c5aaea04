// SPDX-License-Identifier: GPL-2.0-only
/*
 * The roots of blame, against a model that asks for each moment whom its holder waited for. Would catch: a part that goes on
 * to a holder of another time; one that is lost or counted twice; a moment that does not count once for each waiter; a cycle
 * that is followed for ever or ends elsewhere than with the site that closes it; transit and what was given up taken
 * for somebody's; a chain that goes on beyond what is no lock.
 *
 * sources: user/collect/roots/ user/base/index.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/roots/roots.h"

#define THREADS 8
#define LOCKS 5
#define TICKS 500
#define TICK 32			/* events of one tick have times of their own */
#define SPAN_NS (TICKS * TICK)
#define EVENTS 4096

/* ---- a program: threads take locks in any order, nested, and wait with timeouts ---- */

struct thread {
	int held[LOCKS];
	int nheld;
	int waits_for;		/* -1: for none */
	uint32_t wait;		/* its place */
	uint64_t until_ns;	/* it waits no longer */
	uint64_t runs_ns;	/* not 0: it has been woken and runs then */
	bool timed_out;
};

struct lock {
	int owner;		/* -1: free */
	int queue[THREADS];
	int n;
	bool handoff;
	uint64_t cut_ns;
	uint32_t epoch;
};

struct program {
	struct thread threads[THREADS];
	struct lock locks[LOCKS];
	struct lsp_root_events e;
	uint32_t epochs[EVENTS];	/* by wait: the hand-over of its release */
	uint64_t left_ns[EVENTS];	/* by wait: until when it counts */
	uint32_t blame[LOCKS][SPAN_NS];	/* by moment: a release, or as in times.h */
	unsigned int seed;
	uint64_t now_ns;
};

#define NOBODY LSP_INDEX_NONE
#define HANDOFF (LSP_INDEX_NONE - 1)

static unsigned int any(struct program *p, unsigned int below)
{
	p->seed = p->seed * 1103515245 + 12345;
	return (p->seed >> 8) % below;
}

static void blame(struct program *p, int lock, uint64_t from_ns, uint64_t to_ns, uint32_t whom)
{
	for (uint64_t t = from_ns; t < to_ns && t < SPAN_NS; t++)
		if (p->blame[lock][t] == NOBODY)
			p->blame[lock][t] = whom;
}

static void handoff_end(struct program *p, int lock)
{
	struct lock *l = &p->locks[lock];

	if (!l->handoff)
		return;
	blame(p, lock, l->cut_ns, p->now_ns, HANDOFF);
	l->cut_ns = p->now_ns;
	l->handoff = false;
}

static void lock_take(struct program *p, int thread, int lock)
{
	p->locks[lock].owner = thread;
	p->threads[thread].held[p->threads[thread].nheld++] = lock;
}

/* The times of this model are so short that nothing that is carried is given up before the end. */
static void lock_wait(struct program *p, int thread, int lock)
{
	struct thread *t = &p->threads[thread];
	struct lock *l = &p->locks[lock];

	handoff_end(p, lock);
	t->waits_for = lock;
	t->wait = (uint32_t)p->e.nwaits;
	t->until_ns = p->now_ns + (uint64_t)(2 + any(p, 40)) * TICK;
	l->queue[l->n++] = thread;
	p->e.waits[p->e.nwaits++] = (struct lsp_root_wait){
		.span = 1000 + t->wait, .tid = 100 + (uint32_t)thread, .group = (uint32_t)lock, .enq_ns = p->now_ns };
}

static void queue_remove(struct lock *l, int thread)
{
	int i = 0;

	while (l->queue[i] != thread)
		i++;
	for (l->n--; i < l->n; i++)
		l->queue[i] = l->queue[i + 1];
}

/* How many of @lock's waits are in its ledger at @ns, by the definition. */
static uint64_t waiters(const struct program *p, uint32_t lock, uint64_t ns)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->e.nwaits; i++)
		n += p->e.waits[i].group == lock && p->e.waits[i].enq_ns <= ns && ns < p->left_ns[i];
	return n;
}

static void lock_release(struct program *p, int thread, int lock)
{
	struct lock *l = &p->locks[lock];
	uint32_t place = (uint32_t)p->e.nreleases;
	struct lsp_root_release *r = &p->e.releases[place];
	int who;

	l->owner = -1;
	if (!l->n)
		return;
	who = l->queue[any(p, (unsigned int)l->n)];
	*r = (struct lsp_root_release){
		.span = p->e.waits[p->threads[who].wait].span, .tid = 100 + (uint32_t)thread, .group = (uint32_t)lock,
		.time_ns = p->now_ns, .use = LSP_ROOT_LOCK,
	};
	p->e.nreleases++;
	if (l->handoff) {
		blame(p, lock, l->cut_ns, p->now_ns, HANDOFF);
	} else {
		for (uint64_t t = l->cut_ns; t < p->now_ns; t++)
			r->hold_ns += waiters(p, (uint32_t)lock, t);
		blame(p, lock, l->cut_ns, p->now_ns, place);
		l->epoch++;
	}
	l->handoff = true;
	l->cut_ns = p->now_ns;
	p->e.waits[p->threads[who].wait].wake_ns = p->now_ns;
	p->epochs[p->threads[who].wait] = l->epoch;
	p->left_ns[p->threads[who].wait] = p->now_ns;
	p->threads[who].runs_ns = p->now_ns + any(p, 3) * TICK + 1;
	queue_remove(l, who);
}

static void wait_time_out(struct program *p, int thread)
{
	struct thread *t = &p->threads[thread];
	struct lsp_root_wait *w = &p->e.waits[t->wait];
	struct lock *l = &p->locks[t->waits_for];

	w->run_ns = p->now_ns;
	w->gives_up = true;
	p->left_ns[t->wait] = l->handoff ? (w->enq_ns > l->cut_ns ? w->enq_ns : l->cut_ns) : p->now_ns;
	queue_remove(l, thread);
	t->waits_for = -1;
}

static void thread_wake(struct program *p, int thread)
{
	struct thread *t = &p->threads[thread];
	int lock = t->waits_for;

	p->e.waits[t->wait].run_ns = p->now_ns;
	if (p->epochs[t->wait] == p->locks[lock].epoch)
		handoff_end(p, lock);
	t->runs_ns = 0;
	t->waits_for = -1;
	if (p->locks[lock].owner < 0)
		lock_take(p, thread, lock);
}

static bool holds(const struct thread *t, int lock)
{
	for (int i = 0; i < t->nheld; i++)
		if (t->held[i] == lock)
			return true;
	return false;
}

static void thread_step(struct program *p, int thread)
{
	struct thread *t = &p->threads[thread];
	int lock = (int)any(p, LOCKS);

	p->now_ns++;
	if (t->runs_ns) {
		if (p->now_ns >= t->runs_ns)
			thread_wake(p, thread);
	} else if (t->waits_for >= 0) {
		if (p->now_ns >= t->until_ns)
			wait_time_out(p, thread);
	} else if (t->nheld && !any(p, 4)) {
		lock_release(p, thread, t->held[--t->nheld]);
	} else if (t->nheld < 4 && !any(p, 3) && !holds(t, lock)) {
		if (p->locks[lock].owner < 0)
			lock_take(p, thread, lock);
		else
			lock_wait(p, thread, lock);
	}
}

static void program_run(struct program *p, unsigned int seed)
{
	memset(p, 0, sizeof(*p));
	memset(p->blame, 0xff, sizeof(p->blame));
	memset(p->left_ns, 0xff, sizeof(p->left_ns));
	p->e.waits = calloc(EVENTS, sizeof(*p->e.waits));
	p->e.releases = calloc(EVENTS, sizeof(*p->e.releases));
	assert_true(p->e.waits && p->e.releases);
	p->seed = seed;
	for (int i = 0; i < THREADS; i++)
		p->threads[i].waits_for = -1;
	for (int i = 0; i < LOCKS; i++)
		p->locks[i].owner = -1;
	for (int tick = 1; tick < TICKS; tick++) {
		p->now_ns = (uint64_t)tick * TICK;
		for (int i = 0; i < THREADS; i++)
			thread_step(p, i);
	}
	p->now_ns = SPAN_NS;
	for (int i = 0; i < THREADS; i++) {
		struct lsp_root_wait *w = &p->e.waits[p->threads[i].wait];

		if (p->threads[i].waits_for >= 0 && !w->run_ns)
			w->run_ns = SPAN_NS;
	}
}

/* ---- the model: each moment by itself ---- */

struct sums {
	uint64_t site[EVENTS];
	uint64_t other[LSP_ROOT_END_COUNT][LOCKS];
	uint64_t all;
	bool moved;
};

static const struct lsp_root_wait *wait_at(const struct program *p, uint32_t tid, uint64_t ns)
{
	for (size_t i = 0; i < p->e.nwaits; i++) {
		const struct lsp_root_wait *w = &p->e.waits[i];

		if (w->tid == tid && w->enq_ns <= ns && ns < (w->wake_ns ? w->wake_ns : w->run_ns))
			return w;
	}
	return NULL;
}

static void moment_add(const struct program *p, uint32_t charge, uint64_t ns, struct sums *s)
{
	uint64_t n = waiters(p, p->e.releases[charge].group, ns);
	uint32_t at = charge, seen[THREADS + 1], nseen = 0;

	for (;;) {
		const struct lsp_root_release *r = &p->e.releases[at];
		const struct lsp_root_wait *w = wait_at(p, r->tid, ns);
		uint32_t next = w ? p->blame[w->group][ns] : NOBODY;
		bool cycle = false;

		if (!w || w->group == r->group || r->use != LSP_ROOT_LOCK)
			break;
		seen[nseen++] = r->tid;
		if (next == NOBODY || next == HANDOFF) {
			s->other[next == NOBODY ? LSP_ROOT_END_GIVEN_UP : LSP_ROOT_END_HANDOFF][w->group] += n;
			return;
		}
		if (p->e.releases[next].use == LSP_ROOT_UNSURE || p->e.releases[next].use == LSP_ROOT_NOT_KNOWN) {
			s->other[p->e.releases[next].use == LSP_ROOT_UNSURE ? LSP_ROOT_END_UNSURE : LSP_ROOT_END_UNKNOWN][w->group] += n;
			return;
		}
		for (uint32_t i = 0; i < nseen && p->e.releases[next].use == LSP_ROOT_LOCK; i++)
			cycle |= seen[i] == p->e.releases[next].tid;
		if (cycle)
			break;
		at = next;
	}
	s->site[at] += n;
	s->moved |= at != charge;
}

static void model_run(const struct program *p, struct sums *s)
{
	memset(s, 0, sizeof(*s));
	for (uint32_t i = 0; i < p->e.nreleases; i++) {
		const struct lsp_root_release *r = &p->e.releases[i];

		if (r->use != LSP_ROOT_LOCK)
			continue;
		s->all += r->hold_ns;
		for (uint64_t t = 0; t < r->time_ns; t++)
			if (p->blame[r->group][t] == i)
				moment_add(p, i, t, s);
	}
}

static int take(void *arg, enum lsp_root_end end, uint32_t release, uint32_t group, uint64_t ns)
{
	struct sums *s = arg;

	s->all += ns;
	if (end == LSP_ROOT_END_SITE)
		s->site[release] += ns;
	else
		s->other[end][group] += ns;
	return 0;
}

static void program_free(struct program *p)
{
	free(p->e.waits);
	free(p->e.releases);
	free(p);
}

/* Compares, and returns how much ended elsewhere than at a release. */
static uint64_t compare(const struct program *p, bool *moved)
{
	struct sums *want = calloc(1, sizeof(*want)), *got = calloc(1, sizeof(*got));
	uint64_t others = 0;

	assert_true(want && got);
	model_run(p, want);
	assert_int_equal(lsp_roots_find(&p->e, LOCKS, take, got), 0);
	for (size_t i = 0; i < p->e.nreleases; i++)
		assert_int_equal(got->site[i], want->site[i]);
	for (int end = 0; end < LSP_ROOT_END_COUNT; end++)
		for (int i = 0; i < LOCKS; i++) {
			assert_int_equal(got->other[end][i], want->other[end][i]);
			others += got->other[end][i];
		}
	assert_int_equal(got->all, want->all);
	*moved |= want->moved;
	free(want);
	free(got);
	return others;
}

static void any_schedule_is_as_the_model_says(void **state)
{
	bool moved = false;
	uint64_t others = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= 12; seed++) {
		struct program *p = malloc(sizeof(*p));

		assert_non_null(p);
		program_run(p, seed * 7919);
		/* Every fourth program has keys that are no locks, or of which it is not known. */
		for (size_t i = 0; i < p->e.nreleases && seed % 4 == 0; i++)
			if (p->e.releases[i].group < 3)
				p->e.releases[i].use = (const uint8_t[]){
					LSP_ROOT_SIGNAL, LSP_ROOT_UNSURE, LSP_ROOT_NOT_KNOWN }[p->e.releases[i].group];
		others += compare(p, &moved);
		program_free(p);
	}
	assert_true(moved);
	assert_true(others);
}

/* Thread 1 holds lock 0 from 0 to 100, and waits for lock 1 from 20 to 60, which thread 2 then releases. */
static void small(struct lsp_root_events *e, struct lsp_root_wait *waits, struct lsp_root_release *releases)
{
	waits[0] = (struct lsp_root_wait){ .span = 1, .tid = 9, .group = 0, .enq_ns = 1000, .wake_ns = 1100, .run_ns = 1101 };
	waits[1] = (struct lsp_root_wait){ .span = 2, .tid = 1, .group = 1, .enq_ns = 1020, .wake_ns = 1060, .run_ns = 1065 };
	releases[0] = (struct lsp_root_release){
		.span = 1, .tid = 1, .group = 0, .time_ns = 1100, .hold_ns = 100, .use = LSP_ROOT_LOCK };
	releases[1] = (struct lsp_root_release){
		.span = 2, .tid = 2, .group = 1, .time_ns = 1060, .hold_ns = 40, .use = LSP_ROOT_LOCK };
	*e = (struct lsp_root_events){ .waits = waits, .nwaits = 2, .releases = releases, .nreleases = 2 };
}

/* Of the 60 ns in which it did not wait 15 are unknown, and of the other holder's 40 a half. */
static void what_is_unknown_is_no_site(void **state)
{
	struct lsp_root_wait waits[3];
	struct lsp_root_release releases[2];
	struct lsp_root_events e;
	static struct sums got;

	(void)state;
	small(&e, waits, releases);
	releases[0].locks_ns = 40;
	releases[0].unknown_ns = 15;
	releases[1].unknown_ns = 20;
	releases[1].use = LSP_ROOT_SIGNAL;
	assert_int_equal(lsp_roots_find(&e, 2, take, &got), 0);
	assert_int_equal(got.site[0], 45);
	assert_int_equal(got.site[1], 40);
	assert_int_equal(got.other[LSP_ROOT_END_UNKNOWN][0], 15);
	memset(&got, 0, sizeof(got));
	releases[1].use = LSP_ROOT_LOCK;
	assert_int_equal(lsp_roots_find(&e, 2, take, &got), 0);
	assert_int_equal(got.site[1], 20 + 20);
	assert_int_equal(got.other[LSP_ROOT_END_UNKNOWN][0], 15);
	assert_int_equal(got.other[LSP_ROOT_END_UNKNOWN][1], 20 + 20);
	assert_int_equal(got.all, 140);
}

/* The module's charge is what is divided, whatever the ledger says that is run here. */
static void the_sum_is_the_charge(void **state)
{
	struct lsp_root_wait waits[3];
	struct lsp_root_release releases[2];
	struct lsp_root_events e;
	static struct sums got;

	(void)state;
	small(&e, waits, releases);
	releases[0].hold_ns = 333;
	assert_int_equal(lsp_roots_find(&e, 2, take, &got), 0);
	assert_int_equal(got.all, 373);
	assert_int_equal(got.site[1], 40 + 133);
	memset(&got, 0, sizeof(got));
	/* A waiter that left, and is charged to nobody, does not count. */
	releases[0].hold_ns = 100;
	waits[2] = (struct lsp_root_wait){ .span = 3, .tid = 8, .group = 0, .enq_ns = 1010, .run_ns = 1050 };
	e.nwaits = 3;
	assert_int_equal(lsp_roots_find(&e, 2, take, &got), 0);
	assert_int_equal(got.site[0], 60);
	memset(&got, 0, sizeof(got));
	releases[0].hold_ns = 333;
	e.nwaits = 2;
	waits[0].enq_ns = 1100;
	assert_int_equal(lsp_roots_find(&e, 2, take, &got), 0);
	assert_int_equal(got.site[0], 333);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_schedule_is_as_the_model_says), cmocka_unit_test(what_is_unknown_is_no_site),
		cmocka_unit_test(the_sum_is_the_charge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
