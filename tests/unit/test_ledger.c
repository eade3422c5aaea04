// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a wait that is blamed twice, on the wrong releaser or on nobody;
 * a hand-over that is ended by the wrong task; sums that break when the clock
 * stands still, steps back or n * t wraps.
 *
 * The model keeps every waiter and adds every interval between two events to
 * each of them. It knows no sums, no cut and no epoch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../kmod/core/ledger.h"

#define TASKS 96	/* so that a key may have 64 waiters and others run */
#define WAITERS_MAX 64
#define KEYS 3
#define SEEDS 50
#define STEPS 80000	/* per seed; some do nothing */

enum state { IDLE, WAITING, WOKEN, CLOSING };

struct model_task {
	enum state state;
	unsigned int key;
	u64 enq_ns;		/* of the span */
	u64 wake_ns;
	u64 unblamed_ns;	/* waited on this key since somebody last answered for it */
	u64 tail_ns;		/* of the span */
	bool may_end;		/* was woken in the hand-over that is in progress on its key */
	struct lsp_ledger_wait wait;
};

struct model_key {
	u64 now_ns;
	bool transit;
	struct lsp_ledger ledger;
};

struct world {
	struct model_task tasks[TASKS];
	struct model_key keys[KEYS];
	u64 hold_of[TASKS];	/* by releaser, the ledger's word */
	u64 model_hold_of[TASKS];
	u64 hold_ns, handoff_ns, tail_ns, lock_wait_ns;	/* totals from the ledger */
	u64 clock_ns;
	u64 random;
	unsigned int events, late, requeues, backwards, bursts, forgotten, deepest, again, passed;
};

static u64 below(struct world *w, u64 range)
{
	/* Knuth's MMIX generator, on purpose not the one of core/sample. */
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (w->random >> 33) % range;
}

static unsigned int waiters(const struct world *w, unsigned int key)
{
	unsigned int n = 0;

	for (int i = 0; i < TASKS; i++)
		n += w->tasks[i].state == WAITING && w->tasks[i].key == key;
	return n;
}

/* The clock of the next event: still, a little on, far on, or back. */
static void tick(struct world *w)
{
	switch (below(w, 20)) {
	case 0:
		w->clock_ns -= below(w, 3000);
		w->backwards++;
		break;
	case 1 ... 4:
		break;
	case 5:
		w->clock_ns += below(w, 1ULL << 30);
		break;
	default:
		w->clock_ns += below(w, 2000);
	}
}

/* Brings the model of @key to the time of its next event, which the ledger must name alike. */
static u64 model_advance(struct world *w, unsigned int key)
{
	struct model_key *k = &w->keys[key];
	u64 t = w->clock_ns > k->now_ns ? w->clock_ns : k->now_ns;

	for (int i = 0; i < TASKS; i++)
		if (w->tasks[i].state == WAITING && w->tasks[i].key == key)
			w->tasks[i].unblamed_ns += t - k->now_ns;
	k->now_ns = t;
	assert_int_equal(lsp_ledger_time(&k->ledger, w->clock_ns), t);
	w->events++;
	return t;
}

/* Somebody, or nobody, answers for what all waiters of @key have waited. */
static u64 model_blame(struct world *w, unsigned int key)
{
	u64 sum = 0;

	for (int i = 0; i < TASKS; i++) {
		if (w->tasks[i].state != WAITING || w->tasks[i].key != key)
			continue;
		sum += w->tasks[i].unblamed_ns;
		w->tasks[i].unblamed_ns = 0;
	}
	return sum;
}

static void model_arrived(struct world *w, unsigned int key)
{
	w->keys[key].transit = false;
	for (int i = 0; i < TASKS; i++)
		if (w->tasks[i].key == key)
			w->tasks[i].may_end = false;
}

static void enq_on(struct world *w, struct model_task *task, unsigned int key, u64 t)
{
	struct model_key *k = &w->keys[key];
	u64 handoff_ns = k->transit ? model_blame(w, key) : 0;

	if (k->transit)
		model_arrived(w, key);
	task->state = WAITING;
	task->key = key;
	task->unblamed_ns = 0;
	task->may_end = false;
	assert_int_equal(lsp_ledger_enq(&k->ledger, &task->wait, t), handoff_ns);
	w->handoff_ns += handoff_ns;
	assert_int_equal(k->ledger.waiters, waiters(w, key));
	if (k->ledger.waiters > w->deepest)
		w->deepest = k->ledger.waiters;
}

static void enq(struct world *w, struct model_task *task, unsigned int key)
{
	u64 t = model_advance(w, key);

	task->enq_ns = t;
	task->tail_ns = 0;
	enq_on(w, task, key, t);
}

static void release(struct world *w, struct model_task *task, unsigned int releaser)
{
	struct model_key *k = &w->keys[task->key];
	bool late = task->state == CLOSING;
	struct lsp_ledger_charge charge;
	u64 t = model_advance(w, task->key);
	u64 sum = model_blame(w, task->key);

	if (late)
		charge = lsp_ledger_release_late(&k->ledger, t);
	else
		charge = lsp_ledger_release(&k->ledger, &task->wait, t);
	assert_int_equal(charge.hold_ns, k->transit ? 0 : sum);
	assert_int_equal(charge.handoff_ns, k->transit ? sum : 0);
	w->model_hold_of[releaser] += k->transit ? 0 : sum;
	w->hold_of[releaser] += charge.hold_ns;
	w->hold_ns += charge.hold_ns;
	w->handoff_ns += charge.handoff_ns;
	if (late) {
		model_arrived(w, task->key);
		task->state = IDLE;
		w->late++;
		return;
	}
	k->transit = true;
	task->state = WOKEN;
	task->may_end = true;
	task->wake_ns = t;
	w->lock_wait_ns += t - task->enq_ns;
	w->tail_ns += task->tail_ns;
	assert_true(t >= task->enq_ns);
}

/* The woken task found the lock taken and waits on: for whoever took it, who lets go now. */
static void release_again(struct world *w, struct model_task *task, unsigned int releaser)
{
	struct model_key *k = &w->keys[task->key];
	struct lsp_ledger_charge charge;
	u64 t = model_advance(w, task->key);
	u64 sum = model_blame(w, task->key);
	bool theirs = !k->transit || task->may_end;

	charge = lsp_ledger_release_again(&k->ledger, &task->wait, task->wake_ns, t);
	assert_int_equal(charge.hold_ns, (theirs ? sum : 0) + t - task->wake_ns);
	assert_int_equal(charge.handoff_ns, theirs ? 0 : sum);
	w->model_hold_of[releaser] += (theirs ? sum : 0) + t - task->wake_ns;
	w->hold_of[releaser] += charge.hold_ns;
	w->hold_ns += charge.hold_ns;
	w->handoff_ns += charge.handoff_ns;
	if (theirs)
		model_arrived(w, task->key);
	k->transit = true;
	task->may_end = true;
	w->lock_wait_ns += t - task->wake_ns;
	task->wake_ns = t;
	w->again++;
}

/* The kernel wakes another waiter for a lock that is under way already. */
static void pass_on(struct world *w, struct model_task *task)
{
	struct model_key *k = &w->keys[task->key];
	u64 t = model_advance(w, task->key);
	u64 sum = model_blame(w, task->key);

	assert_int_equal(lsp_ledger_pass_on(&k->ledger, &task->wait, t), sum);
	w->handoff_ns += sum;
	k->transit = true;
	task->state = WOKEN;
	task->may_end = true;
	task->wake_ns = t;
	w->lock_wait_ns += t - task->enq_ns;
	w->tail_ns += task->tail_ns;
	w->passed++;
}

static void run(struct world *w, struct model_task *task)
{
	struct model_key *k = &w->keys[task->key];
	u64 t = model_advance(w, task->key);
	bool ends = k->transit && task->may_end;
	u64 handoff_ns = ends ? model_blame(w, task->key) : 0;

	assert_int_equal(lsp_ledger_run(&k->ledger, &task->wait, t), handoff_ns);
	w->handoff_ns += handoff_ns;
	if (ends)
		model_arrived(w, task->key);
	task->state = IDLE;
}

/* The part of the wait on its key that nobody answers for is the tail. */
static u64 leave_key(struct world *w, struct model_task *task)
{
	u64 t = model_advance(w, task->key);
	u64 tail_ns = lsp_ledger_leave(&w->keys[task->key].ledger, &task->wait, t);

	assert_int_equal(tail_ns, task->unblamed_ns);
	task->tail_ns += tail_ns;
	return t;
}

static void leave(struct world *w, struct model_task *task)
{
	u64 t = leave_key(w, task);

	task->state = CLOSING;
	w->tail_ns += task->tail_ns;
	w->lock_wait_ns += t - task->enq_ns;
}

/* The second key may be ahead of the first: what lies between is tail. */
static void requeue(struct world *w, struct model_task *task, unsigned int key)
{
	u64 left = leave_key(w, task);
	u64 t;

	task->state = IDLE;
	w->clock_ns = left;
	t = model_advance(w, key);
	task->tail_ns += t - left;
	enq_on(w, task, key, t);
	w->requeues++;
}

/* A key that nobody waits on is forgotten and made anew; its woken tasks may still run. */
static void forget(struct world *w, unsigned int key)
{
	struct model_key *k = &w->keys[key];

	if (waiters(w, key))
		return;
	lsp_ledger_init(&k->ledger, k->ledger.epoch + 1);
	k->now_ns = 0;
	model_arrived(w, key);
	w->forgotten++;
}

static void burst(struct world *w, unsigned int key, unsigned int releaser, unsigned int most)
{
	for (int i = 0; i < TASKS && most; i++) {
		if (w->tasks[i].state != WAITING || w->tasks[i].key != key)
			continue;
		release(w, &w->tasks[i], releaser);
		most--;
		if (!below(w, 4))
			tick(w);
	}
	w->bursts++;
}

/* One random event; @crowd is how readily tasks come to wait. */
static void step(struct world *w, unsigned int crowd)
{
	struct model_task *task = &w->tasks[below(w, TASKS)];
	unsigned int key = below(w, below(w, 4) ? 1 : KEYS);
	unsigned int releaser = below(w, TASKS);

	tick(w);
	if (!below(w, 500)) {
		burst(w, key, releaser, below(w, 2) ? TASKS : below(w, 8));
	} else if (!below(w, 200)) {
		forget(w, key);
	} else if (task->state == IDLE || (task->state == CLOSING && below(w, 3))) {
		if (below(w, 10) < crowd && waiters(w, key) < WAITERS_MAX)
			enq(w, task, key);
	} else if (task->state == CLOSING) {
		release(w, task, releaser);
	} else if (task->state == WOKEN) {
		if (below(w, 2))
			run(w, task);
		/* Real keys are not forgotten while a woken task has not run. */
		else if (w->keys[task->key].now_ns >= task->wake_ns)
			release_again(w, task, releaser);
	} else if (below(w, 10) >= crowd) {
		switch (below(w, 7)) {
		case 0:
			leave(w, task);
			break;
		case 2:
			pass_on(w, task);
			break;
		case 1:
			if (waiters(w, (task->key + 1) % KEYS) < WAITERS_MAX)
				requeue(w, task, (task->key + 1) % KEYS);
			break;
		default:
			release(w, task, releaser);
		}
	}
}

static void finish(struct world *w)
{
	for (int i = 0; i < TASKS; i++) {
		tick(w);
		if (w->tasks[i].state == WAITING)
			leave(w, &w->tasks[i]);
		else if (w->tasks[i].state == WOKEN)
			run(w, &w->tasks[i]);
	}
	assert_int_equal(w->hold_ns + w->handoff_ns + w->tail_ns, w->lock_wait_ns);
	assert_memory_equal(w->hold_of, w->model_hold_of, sizeof(w->hold_of));
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(w->keys[i].ledger.waiters, 0);
}

static void test_random_schedules(void **state)
{
	/* The last three make n * t wrap: with all 64, with two, and with four in mid schedule. */
	static const u64 starts[] = { 0, 1000000000, 1ULL << 58, 1ULL << 63, (1ULL << 62) - (1ULL << 40) };
	unsigned int late = 0, requeues = 0, backwards = 0, bursts = 0, forgotten = 0, deepest = 0;
	unsigned int again = 0, passed = 0;
	unsigned int events = 0;

	(void)state;
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		static struct world w;

		memset(&w, 0, sizeof(w));
		w.random = seed * 7919 + 1;
		w.clock_ns = starts[seed % 5] + 1000000;
		for (int i = 0; i < KEYS; i++)
			lsp_ledger_init(&w.keys[i].ledger, seed & 1 ? ~0ULL - 5 : 0);
		for (int i = 0; i < STEPS; i++)
			step(&w, 2 + seed % 8);
		finish(&w);
		assert_true(w.hold_ns && w.handoff_ns && w.tail_ns);
		events += w.events;
		late += w.late;
		requeues += w.requeues;
		backwards += w.backwards;
		bursts += w.bursts;
		forgotten += w.forgotten;
		again += w.again;
		passed += w.passed;
		deepest = w.deepest > deepest ? w.deepest : deepest;
	}
	/* The schedules came to everything that they are meant to try. */
	print_message("%u events, %u late, %u requeues, %u steps back, %u bursts, %u forgotten\n", events,
		      late, requeues, backwards, bursts, forgotten);
	assert_true(events > 1000000);
	assert_true(late > 1000 && requeues > 1000 && backwards > 1000);
	assert_true(bursts > 1000 && forgotten > 100 && again > 1000 && passed > 1000);
	assert_int_equal(deepest, WAITERS_MAX);
}

/* The examples below are worked out by hand; times in ns. */

static void test_hold_handoff_tail(void **state)
{
	struct lsp_ledger_wait a, b, c;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	assert_int_equal(lsp_ledger_enq(&l, &a, 0), 0);
	assert_int_equal(lsp_ledger_enq(&l, &b, 10), 0);
	charge = lsp_ledger_release(&l, &a, 100);	/* a waited 100, b 90 */
	assert_int_equal(charge.hold_ns, 190);
	assert_int_equal(charge.handoff_ns, 0);
	assert_int_equal(lsp_ledger_run(&l, &a, 130), 30);	/* b, in transit */
	assert_int_equal(lsp_ledger_enq(&l, &c, 150), 0);
	assert_int_equal(lsp_ledger_leave(&l, &b, 160), 30);	/* b since 130 */
	charge = lsp_ledger_release(&l, &c, 200);
	assert_int_equal(charge.hold_ns, 50);
	assert_int_equal(lsp_ledger_run(&l, &c, 210), 0);	/* nobody was kept waiting */
}

/* A PI mutex is given to a, another takes it in passing and keeps it: a and b wait for that one. */
static void test_stolen_on_the_way(void **state)
{
	struct lsp_ledger_wait a, b;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 10);
	assert_int_equal(lsp_ledger_release(&l, &a, 20).hold_ns, 30);
	charge = lsp_ledger_release_again(&l, &a, 20, 220);
	assert_int_equal(charge.hold_ns, 400);
	assert_int_equal(charge.handoff_ns, 0);
	assert_int_equal(lsp_ledger_run(&l, &a, 225), 5);
	assert_int_equal(lsp_ledger_release(&l, &b, 235).hold_ns, 10);
}

/* On its way to a the mutex goes to b, whose priority has risen: nobody held it meanwhile. */
static void test_passed_on_to_another(void **state)
{
	struct lsp_ledger_wait a, b;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 10);
	assert_int_equal(lsp_ledger_release(&l, &a, 20).hold_ns, 30);
	assert_int_equal(lsp_ledger_pass_on(&l, &b, 50), 30);
	assert_int_equal(lsp_ledger_run(&l, &b, 60), 0);
	assert_int_equal(lsp_ledger_release_again(&l, &a, 20, 160).hold_ns, 140);
}

static void test_wake_all_is_one_handover(void **state)
{
	struct lsp_ledger_wait a, b, c;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 7);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 0);
	lsp_ledger_enq(&l, &c, 0);
	charge = lsp_ledger_release(&l, &a, 10);
	assert_int_equal(charge.hold_ns, 30);
	charge = lsp_ledger_release(&l, &b, 12);	/* b and c, 2 each */
	assert_int_equal(charge.hold_ns, 0);
	assert_int_equal(charge.handoff_ns, 4);
	assert_int_equal(lsp_ledger_run(&l, &b, 20), 8);
	assert_int_equal(lsp_ledger_run(&l, &a, 25), 0);
	charge = lsp_ledger_release(&l, &c, 30);
	assert_int_equal(charge.hold_ns, 10);
}

static void test_barging_ends_handover(void **state)
{
	struct lsp_ledger_wait a, b, c;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 0);
	lsp_ledger_release(&l, &a, 10);
	assert_int_equal(lsp_ledger_enq(&l, &c, 14), 4);	/* b waited 4 in transit */
	assert_int_equal(lsp_ledger_run(&l, &a, 15), 0);
	charge = lsp_ledger_release(&l, &b, 20);
	assert_int_equal(charge.hold_ns, 6 + 6);
	assert_int_equal(lsp_ledger_run(&l, &a, 25), 0);	/* a's hand-over is long past */
	assert_int_equal(lsp_ledger_run(&l, &b, 30), 10);
}

static void test_late_release(void **state)
{
	struct lsp_ledger_wait a, b;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 0);
	assert_int_equal(lsp_ledger_leave(&l, &a, 10), 10);
	charge = lsp_ledger_release_late(&l, 12);
	assert_int_equal(charge.hold_ns, 12);
	charge = lsp_ledger_release(&l, &b, 20);	/* held again since 12 */
	assert_int_equal(charge.hold_ns, 8);
	assert_int_equal(charge.handoff_ns, 0);
}

/* Without the clamp to the last event, the release would charge 2^64 - 10. */
static void test_clock_steps_back(void **state)
{
	struct lsp_ledger_wait a;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 100);
	assert_int_equal(lsp_ledger_time(&l, 90), 100);
	charge = lsp_ledger_release(&l, &a, lsp_ledger_time(&l, 90));
	assert_int_equal(charge.hold_ns, 0);
	assert_int_equal(lsp_ledger_time(&l, 101), 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold_handoff_tail),
		cmocka_unit_test(test_stolen_on_the_way),
		cmocka_unit_test(test_passed_on_to_another),
		cmocka_unit_test(test_wake_all_is_one_handover),
		cmocka_unit_test(test_barging_ends_handover),
		cmocka_unit_test(test_late_release),
		cmocka_unit_test(test_clock_steps_back),
		cmocka_unit_test(test_random_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
