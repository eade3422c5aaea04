// SPDX-License-Identifier: GPL-2.0-only
/*
 * What keys are used for, told from what they do: histories of which it is
 * known. Would catch: a semaphore, a queue, a pool, a pipeline or a barrier that
 * is blamed like a lock; a lock that is not, because nobody knows its name.
 *
 * sources: user/collect/roles/chains.c user/collect/roles/charges.c user/collect/roles/evidence.c user/collect/roles/waits.c
 * sources: user/collect/roles/pairs.c user/collect/roles/parked.c user/base/index.c user/capture/span.c tests/unit/fixture_parking.c
 * libs: -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/roles/parked.h"
#include "fixture_parking.h"

#define THREADS 32
#define WAITS 600
#define US 1000.0

enum kind {
	PERMITS,	/* a lock or a semaphore: taken, held, given back */
	QUEUE,		/* work for sleeping threads */
	BARRIER,	/* the last to come wakes all */
	TURNS,		/* two threads take turns on one word */
	PIPELINE,	/* each thread hands on to the next */
};

struct subject {
	const char *what;
	enum lsp_sync sync;
	bool lock;		/* what it is */
	enum kind kind;
	int threads;		/* of these, in QUEUE, so many are producers: */
	int permits;
	double hold_us;		/* of PERMITS; of QUEUE and others the work */
	double think_us;	/* between, or between two pieces of work of a producer */
	double wake_us;		/* until a woken thread runs */
	double spin_us;		/* that it tries before it sleeps again */
	bool fair, all;		/* what is given back is the woken thread's; all are woken */
	bool own_words;		/* each thread sleeps on its own */
	double submits;		/* of QUEUE: how often a worker makes work itself */
	bool uneven;		/* thread 0 holds 20 times as long */
};

static const struct subject subjects[] = {
	/* locks */
	{ "own lock, two threads", LSP_SYNC_OTHER, true, PERMITS, 2, 1, 300, 150, 30, .spin_us = 0 },
	{ "own lock, eight threads", LSP_SYNC_OTHER, true, PERMITS, 8, 1, 300, 600, 30, .spin_us = 0 },
	{ "own lock, 32 threads, short holds", LSP_SYNC_OTHER, true, PERMITS, 32, 1, 20, 400, 30, .spin_us = 0 },
	{ "fair lock", LSP_SYNC_OTHER, true, PERMITS, 8, 1, 200, 500, 30, .fair = true },
	{ "lock that spins a little", LSP_SYNC_OTHER, true, PERMITS, 8, 1, 60, 300, 30, .spin_us = 5 },
	{ "lock that spins long", LSP_SYNC_OTHER, true, PERMITS, 8, 1, 150, 500, 30, .spin_us = 60 },
	{ "semaphore of one", LSP_SYNC_SEM, true, PERMITS, 6, 1, 300, 500, 40, .spin_us = 0 },
	{ "semaphore of one, busy", LSP_SYNC_SEM, true, PERMITS, 16, 1, 100, 200, 40, .spin_us = 0 },
	{ "semaphore of one, stripped", LSP_SYNC_OTHER, true, PERMITS, 6, 1, 300, 500, 40, .spin_us = 0 },
	{ "ticket lock", LSP_SYNC_OTHER, true, PERMITS, 4, 1, 300, 400, 20, .all = true },
	{ "ticket lock, many threads", LSP_SYNC_OTHER, true, PERMITS, 12, 1, 200, 900, 20, .all = true },
	{ "C++ semaphore of one, all are woken", LSP_SYNC_SEM, true, PERMITS, 6, 1, 1000, 4000, 20, .spin_us = 4, .all = true },
	{ "C++ semaphore of one, busy", LSP_SYNC_SEM, true, PERMITS, 6, 1, 300, 200, 20, .spin_us = 4, .all = true },
	{ "C++ semaphore of one, slow holder", LSP_SYNC_SEM, true, PERMITS, 6, 1, 1000, 4000, 20, .spin_us = 4, .all = true,
	  .uneven = true },
	{ "C++ semaphore of one, spins long", LSP_SYNC_SEM, true, PERMITS, 6, 1, 1000, 4000, 20, .spin_us = 60, .all = true },
	{ "atomic wait as a lock, spins long", LSP_SYNC_OTHER, true, PERMITS, 6, 1, 1000, 4000, 20, .spin_us = 60, .all = true },
	{ "three-state lock, slow wake-ups", LSP_SYNC_OTHER, true, PERMITS, 8, 1, 2000, 4000, 900, .spin_us = 0 },
	{ "stripped mutex with a slow holder", LSP_SYNC_OTHER, true, PERMITS, 8, 1, 100, 600, 30, .uneven = true },
	{ "condition variable as a lock", LSP_SYNC_COND, true, PERMITS, 8, 1, 300, 500, 30, .spin_us = 0 },
	{ "parking lock, no names", LSP_SYNC_OTHER, true, PERMITS, 8, 1, 300, 600, 30, .own_words = true },
	{ "parking lock on semaphores", LSP_SYNC_SEM, true, PERMITS, 12, 1, 300, 900, 30, .fair = true, .own_words = true },
	{ "parker of a virtual machine", LSP_SYNC_COND, true, PERMITS, 16, 1, 100, 500, 30, .own_words = true },
	/* anything else */
	{ "two permits", LSP_SYNC_SEM, false, PERMITS, 8, 2, 300, 300, 30, .spin_us = 0 },
	{ "two permits, stripped", LSP_SYNC_OTHER, false, PERMITS, 8, 2, 300, 300, 30, .spin_us = 0 },
	{ "two permits, many threads", LSP_SYNC_OTHER, false, PERMITS, 24, 2, 300, 300, 30, .spin_us = 0 },
	{ "four permits", LSP_SYNC_SEM, false, PERMITS, 12, 4, 300, 300, 30, .spin_us = 0 },
	{ "four permits, stripped", LSP_SYNC_OTHER, false, PERMITS, 12, 4, 300, 300, 30, .spin_us = 0 },
	{ "eight permits", LSP_SYNC_SEM, false, PERMITS, 24, 8, 300, 300, 30, .spin_us = 0 },
	{ "eight permits, stripped", LSP_SYNC_OTHER, false, PERMITS, 24, 8, 300, 300, 30, .spin_us = 0 },
	{ "two permits, all are woken", LSP_SYNC_SEM, false, PERMITS, 8, 2, 1000, 1000, 20, .spin_us = 4, .all = true },
	{ "two permits, all are woken, stripped", LSP_SYNC_OTHER, false, PERMITS, 8, 2, 1000, 1000, 20, .spin_us = 4, .all = true },
	{ "four permits, all are woken", LSP_SYNC_SEM, false, PERMITS, 12, 4, 1000, 1000, 20, .spin_us = 4, .all = true },
	{ "a producer and a consumer", LSP_SYNC_COND, false, QUEUE, 2, 1, 50, 200, 30, .spin_us = 0 },
	{ "a producer and a consumer, own queue", LSP_SYNC_OTHER, false, QUEUE, 2, 1, 50, 200, 30, .spin_us = 0 },
	{ "one producer, eight workers", LSP_SYNC_OTHER, false, QUEUE, 9, 1, 300, 60, 30, .spin_us = 0 },
	{ "pool whose workers submit", LSP_SYNC_OTHER, false, QUEUE, 9, 1, 300, 200, 30, .submits = .4 },
	{ "pool whose workers submit, own words", LSP_SYNC_OTHER, false, QUEUE, 9, 1, 300, 200, 30, .submits = .4, .own_words = true },
	{ "idle workers, own words", LSP_SYNC_RUNTIME, false, QUEUE, 9, 1, 300, 60, 30, .own_words = true },
	{ "barrier", LSP_SYNC_OTHER, false, BARRIER, 8, 0, 400, 0, 30, .spin_us = 0 },
	{ "barrier by condition variable", LSP_SYNC_COND, false, BARRIER, 4, 0, 400, 0, 30, .spin_us = 0 },
	{ "pipeline", LSP_SYNC_COND, false, PIPELINE, 6, 0, 100, 200, 30, .own_words = true },
	{ "pipeline, stripped", LSP_SYNC_OTHER, false, PIPELINE, 6, 0, 100, 200, 30, .own_words = true },
	{ "turns by condition variable", LSP_SYNC_COND, false, TURNS, 2, 0, 100, 0, 30, .spin_us = 0 },
	/* A lock between two threads does the same. */
	{ "turns on an own word", LSP_SYNC_OTHER, false, TURNS, 2, 0, 100, 0, 30, .spin_us = 0 },
};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))
#define KNOWN_FALSE_LOCKS 1

/* ---- threads ---- */

enum state { THINKS, TRIES, HOLDS, SLEEPS, WOKEN, DONE };

struct thread {
	enum state state;
	double at_ns;		/* when it does something next; SLEEPS: when it began */
	double spins_until_ns;
	bool owns;
	int wait;
};

static struct {
	const struct subject *s;
	struct thread threads[THREADS];
	int queue[THREADS], n;		/* who sleeps, in order */
	int free;			/* permits, or pieces of work */
	int arrived;
	int turn;
	int items[THREADS];		/* before each stage */
	struct lsp_wait waits[WAITS + THREADS];
	size_t nwaits;
} z;

static double about(double us)
{
	return us * US * (.2 + 1.6 * twister_random());
}

static void sleeps(int i, double t)
{
	struct lsp_wait *w = &z.waits[z.nwaits];

	*w = (struct lsp_wait){
		.key = z.s->own_words ? 1 + (uint64_t)i : 1, .enq_ns = (uint64_t)t, .tid = (uint32_t)i + 1,
		.span = (uint32_t)z.nwaits, .release = LSP_INDEX_NONE,
	};
	z.threads[i].wait = (int)z.nwaits++;
	z.threads[i].state = SLEEPS;
	z.threads[i].at_ns = INFINITY;
	z.queue[z.n++] = i;
}

static void wakes(int by, int place, double t)
{
	int i = z.queue[place];
	struct lsp_wait *w = &z.waits[z.threads[i].wait];

	memmove(&z.queue[place], &z.queue[place + 1], (size_t)(--z.n - place) * sizeof(*z.queue));
	w->wake_ns = (uint64_t)t;
	w->by = (uint32_t)by + 1;
	w->release = w->span;
	z.threads[i].state = WOKEN;
	z.threads[i].at_ns = t + about(z.s->wake_us);
	w->run_ns = (uint64_t)z.threads[i].at_ns;
}

static void does(int i, enum state state, double at_ns)
{
	z.threads[i].state = state;
	z.threads[i].at_ns = at_ns;
}

static void permits_step(int i, double t)
{
	struct thread *th = &z.threads[i];

	switch (th->state) {
	case HOLDS:
		z.free++;
		does(i, THINKS, t + about(z.s->think_us));
		if (z.s->fair && z.n) {
			z.free--;
			z.threads[z.queue[0]].owns = true;
		}
		while (z.n) {
			wakes(i, 0, t);
			t += 100;
			if (!z.s->all)
				break;
		}
		return;
	case WOKEN:
		th->spins_until_ns = t + z.s->spin_us * US;
		break;
	default:
		break;
	}
	if (th->owns || z.free > 0) {
		z.free -= !th->owns;
		th->owns = false;
		does(i, HOLDS, t + about(z.s->uneven && !i ? 20 * z.s->hold_us : z.s->hold_us));
	} else if (t < th->spins_until_ns) {
		does(i, TRIES, t + US);
	} else {
		sleeps(i, t + 500);
	}
}

static void work_put(int i, double t)
{
	z.free++;
	if (z.n)
		wakes(i, 0, t);
}

static void queue_step(int i, double t)
{
	if (i < z.s->permits) {
		work_put(i, t);
		does(i, THINKS, t + about(z.s->think_us));
		return;
	}
	if (z.threads[i].state == HOLDS && twister_random() < z.s->submits)
		work_put(i, t);
	if (z.free > 0) {
		z.free--;
		does(i, HOLDS, t + about(z.s->hold_us));
	} else {
		sleeps(i, t + 500);
	}
}

static void barrier_step(int i, double t)
{
	if (z.threads[i].state == WOKEN) {
		does(i, THINKS, t + about(z.s->hold_us));
	} else if (++z.arrived < z.s->threads) {
		sleeps(i, t);
	} else {
		z.arrived = 0;
		for (; z.n; t += 100)
			wakes(i, 0, t);
		does(i, THINKS, t + about(z.s->hold_us));
	}
}

static void turns_step(int i, double t)
{
	if (z.threads[i].state == HOLDS) {
		z.turn = !i;
		if (z.n)
			wakes(i, 0, t);
	}
	if (z.turn == i)
		does(i, HOLDS, t + about(z.s->hold_us));
	else
		sleeps(i, t + 500);
}

static void pipeline_step(int i, double t)
{
	if (z.threads[i].state == HOLDS && i + 1 < z.s->threads) {
		z.items[i + 1]++;
		for (int k = 0; k < z.n; k++)
			if (z.queue[k] == i + 1) {
				wakes(i, k, t);
				break;
			}
	}
	if (!i) {
		does(i, HOLDS, t + about(z.s->think_us));
	} else if (z.items[i]) {
		z.items[i]--;
		does(i, HOLDS, t + about(z.s->hold_us));
	} else {
		sleeps(i, t + 500);
	}
}

static void (*const steps[])(int, double) = {
	[PERMITS] = permits_step, [QUEUE] = queue_step, [BARRIER] = barrier_step, [TURNS] = turns_step,
	[PIPELINE] = pipeline_step,
};

static int wait_compare(const void *a, const void *b)
{
	const struct lsp_wait *x = a, *y = b;

	return x->enq_ns < y->enq_ns ? -1 : x->enq_ns > y->enq_ns;
}

static void subject_run(const struct subject *s, uint32_t seed)
{
	memset(&z, 0, sizeof(z));
	twister_seed(seed);
	z.s = s;
	z.free = s->kind == PERMITS ? s->permits : 0;
	for (int i = 0; i < s->threads; i++)
		does(i, THINKS, 1e6 + about(s->think_us + 10));
	while (z.nwaits < WAITS) {
		int next = 0;

		for (int i = 1; i < s->threads; i++)
			if (z.threads[i].at_ns < z.threads[next].at_ns)
				next = i;
		steps[s->kind](next, z.threads[next].at_ns);
	}
	/* Who still sleeps is open at the end. */
	for (size_t i = 0; i < z.nwaits; i++)
		if (!z.waits[i].run_ns)
			z.waits[i].run_ns = z.waits[z.nwaits - 1].enq_ns + 1000000000;
	qsort(z.waits, z.nwaits, sizeof(*z.waits), wait_compare);
}

/* ---- and what they are taken for ---- */

static bool is_lock(const struct subject *s, struct lsp_evidence *all, enum lsp_role *role)
{
	struct lsp_parked p = { 0 };
	struct lsp_evidence *e;
	bool lock = false;

	assert_int_equal(lsp_parked_words(&p, z.waits, z.nwaits), 0);
	e = calloc(p.nwords, sizeof(*e));
	assert_int_equal(lsp_evidence_add(z.waits, z.nwaits, e), 0);
	assert_int_equal(lsp_parked_find(&p, z.waits, z.nwaits, 1), 0);
	memset(all, 0, sizeof(*all));
	for (size_t i = 0; i < p.nwords; i++) {
		if (!p.words[i].joined) {
			lsp_evidence_merge(all, &e[i]);
			*role = lsp_evidence_role(&e[i], s->sync);
			lock |= *role == LSP_ROLE_LOCK;
		}
	}
	if (p.sets[0].joined) {
		*all = p.sets[0].evidence;
		*role = lsp_evidence_parked_role(all, s->sync);
		lock |= *role == LSP_ROLE_LOCK;
	}
	free(e);
	lsp_parked_uninit(&p);
	return lock;
}

static void roles_are_told_by_what_keys_do(void **state)
{
	int locks = 0, missed = 0, wrong = 0;

	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		for (uint32_t seed = 1; seed <= 5; seed++) {
			struct lsp_evidence e;
			enum lsp_role role = LSP_ROLE_UNKNOWN;
			bool lock;

			subject_run(&subjects[i], seed);
			lock = is_lock(&subjects[i], &e, &role);
			locks += subjects[i].lock;
			missed += subjects[i].lock && !lock;
			wrong += !subjects[i].lock && lock;
			if (!subjects[i].lock && (subjects[i].kind == BARRIER) != (role == LSP_ROLE_BARRIER))
				fail_msg("%s: taken for %s", subjects[i].what, lsp_role_name(role));
			if (lock != subjects[i].lock || (getenv("LSP_TEST_SHOW") && seed == 1))
				print_message("%-38s %s, taken for %s: chained %.0f %% of %llu calls, of %llu that left a waiter, both %.0f %%, own %.0f %%, waits a thread %.1f\n",
					      subjects[i].what, subjects[i].lock ? "lock" : "no lock", lsp_role_name(role),
					      100 * lsp_evidence_chained(&e), (unsigned long long)e.judged, (unsigned long long)e.left,
					      e.judged ? 100. * (double)e.both / (double)e.judged : 0,
					      e.releases ? 100. * (double)e.own_releases / (double)e.releases : 0,
					      e.threads ? (double)e.waits / (double)e.threads : 0);
		}
	}
	print_message("%d histories of locks, %d not taken for one; %zu of others, %d taken for a lock\n", locks, missed,
		      5 * SUBJECTS - (size_t)locks, wrong);
	assert_int_equal(missed, 0);
	assert_int_equal(wrong, 5 * KNOWN_FALSE_LOCKS);
}

/* Two threads that wait for each other in turns chain in every call, but never leave anybody queued. */
static void turns_on_words_of_their_own_are_no_lock(void **state)
{
	struct lsp_evidence e = { .waits = 100, .releases = 100, .own_releases = 100, .calls = 100, .judged = 100,
				  .chained = 100, .threads = 2 };

	(void)state;
	assert_int_equal(lsp_evidence_parked_role(&e, LSP_SYNC_OTHER), LSP_ROLE_UNKNOWN);
	assert_int_equal(lsp_evidence_parked_role(&e, LSP_SYNC_COND), LSP_ROLE_POOL);
	e.left = 50;
	e.left_chained = 50;
	assert_int_equal(lsp_evidence_parked_role(&e, LSP_SYNC_OTHER), LSP_ROLE_LOCK);
	assert_int_equal(lsp_evidence_parked_role(&e, LSP_SYNC_COND), LSP_ROLE_LOCK);
}

/* A class that names no lock says enough where there is little to go by; a semaphore may still be anything. */
static void a_few_releases_leave_it_to_the_class(void **state)
{
	const struct lsp_evidence few = { .waits = 5, .releases = 4, .calls = 4, .judged = 3, .threads = 2 };

	(void)state;
	assert_int_equal(lsp_evidence_role(&few, LSP_SYNC_COND), LSP_ROLE_SIGNAL);
	assert_int_equal(lsp_evidence_role(&few, LSP_SYNC_RUNTIME), LSP_ROLE_SIGNAL);
	assert_int_equal(lsp_evidence_role(&few, LSP_SYNC_BARRIER), LSP_ROLE_BARRIER);
	assert_int_equal(lsp_evidence_role(&few, LSP_SYNC_SEM), LSP_ROLE_UNKNOWN);
	assert_int_equal(lsp_evidence_role(&few, LSP_SYNC_OTHER), LSP_ROLE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_are_told_by_what_keys_do),
		cmocka_unit_test(turns_on_words_of_their_own_are_no_lock),
		cmocka_unit_test(a_few_releases_leave_it_to_the_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
