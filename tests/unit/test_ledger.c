// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a wait that is blamed twice, on the wrong releaser or on nobody;
 * a hand-over that is ended by the wrong task; sums that break when the clock
 * stands still, steps back or n * t wraps; a wait that nobody ended and that is
 * charged to the wrong release, to none, or twice.
 *
 * The model keeps every waiter and adds every interval between two events to
 * each of them, and keeps each wait that left unended until a release takes it or
 * it is given up. It knows no sums, no cut and no epoch.
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
#define SEEDS 500
#define STEPS 10000	/* per seed; some do nothing */
#define LEFT_MAX 8192	/* waits that have left one key, one by one */

enum state { IDLE, WAITING, WOKEN, CLOSING };

struct model_task {
	enum state state;
	unsigned int key;
	u64 enq_ns;		/* of the span */
	u64 key_enq_ns;		/* on the key */
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
	u64 left_ns[LEFT_MAX];	/* what each had waited that nobody has answered for yet */
	unsigned int nleft;
	u64 last_left_ns;	/* when the last one left, and the length of its wait */
	u64 last_wait_ns;
	u64 given_ns, given_waits;
};

struct world {
	struct model_task tasks[TASKS];
	struct model_key keys[KEYS];
	u64 hold_of[TASKS];	/* by releaser, the ledger's word */
	u64 model_hold_of[TASKS];
	u64 hold_ns, handoff_ns, tail_ns, lock_wait_ns;	/* totals from the ledger */
	u64 carried_in_ns, carried_in_waits, carried_out_ns, given_ns, given_waits;
	u64 clock_ns;
	u64 random;
	unsigned int events, late, requeues, backwards, bursts, forgotten, deepest, again, passed;
	unsigned int carried, given, left_in_transit;
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

/* What has left the key unended goes to the releaser, or to nobody. */
static u64 model_left_take(struct model_key *k)
{
	u64 sum = 0;

	while (k->nleft)
		sum += k->left_ns[--k->nleft];
	return sum;
}

static void model_left_give_up(struct model_key *k)
{
	k->given_waits += k->nleft;
	k->given_ns += model_left_take(k);
}

/* Who comes to an empty queue so long after the last that its wait is another one. */
static void model_left_expire(struct world *w, unsigned int key, u64 t)
{
	struct model_key *k = &w->keys[key];
	u64 gap_ns = t - k->last_left_ns;

	if (k->nleft && !waiters(w, key) && gap_ns > 50000 && gap_ns > k->last_wait_ns / 10) {
		model_left_give_up(k);
		w->given++;
	}
}

/* What the ledger would tell now, and the totals of it. */
static void given_take(struct world *w, unsigned int key)
{
	struct model_key *k = &w->keys[key];

	assert_int_equal(k->ledger.given_waits, k->given_waits);
	if (k->given_waits)
		assert_int_equal(k->ledger.given_ns, k->given_ns);
	w->given_ns += k->given_ns;
	w->given_waits += k->given_waits;
	k->ledger.given_waits = 0;
	k->given_ns = k->given_waits = 0;
}

static void enq_on(struct world *w, struct model_task *task, unsigned int key, u64 t)
{
	struct model_key *k = &w->keys[key];
	u64 handoff_ns = k->transit ? model_blame(w, key) : 0;

	model_left_expire(w, key, t);
	if (lsp_ledger_carries(&k->ledger))
		lsp_ledger_expire(&k->ledger, t);
	assert_int_equal(k->ledger.carry_waits, k->nleft);
	if (k->transit)
		model_arrived(w, key);
	task->state = WAITING;
	task->key = key;
	task->unblamed_ns = 0;
	task->key_enq_ns = t;
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
	u64 left_ns = k->transit ? 0 : model_left_take(k);
	u64 sum = model_blame(w, task->key) + left_ns;

	if (late)
		charge = lsp_ledger_release_late(&k->ledger, t);
	else
		charge = lsp_ledger_release(&k->ledger, &task->wait, t);
	assert_int_equal(charge.hold_ns, k->transit ? 0 : sum);
	assert_int_equal(charge.handoff_ns, k->transit ? sum : 0);
	assert_int_equal(charge.carried_ns, left_ns);
	w->carried_out_ns += charge.carried_ns;
	w->carried += charge.carried_ns > 0;
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
	u64 left_ns = k->transit ? 0 : model_left_take(k);

	sum += left_ns;
	charge = lsp_ledger_release_again(&k->ledger, &task->wait, task->wake_ns, t);
	assert_int_equal(charge.hold_ns, (theirs ? sum : 0) + t - task->wake_ns);
	assert_int_equal(charge.handoff_ns, theirs ? 0 : sum);
	assert_int_equal(charge.carried_ns, left_ns);
	w->carried_out_ns += charge.carried_ns;
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

	if (!k->transit)
		model_left_give_up(k);
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

/* What the wait leaves on its key: handoff while the lock is in transit, else a tail, which may be carried. */
static u64 leave_key(struct world *w, struct model_task *task, enum lsp_ledger_leave how)
{
	struct model_key *k = &w->keys[task->key];
	u64 t = model_advance(w, task->key);
	struct lsp_ledger_rest rest = lsp_ledger_leave(&k->ledger, &task->wait, t, how);
	bool transit = k->transit && how != LSP_LEDGER_UNSEEN;
	bool carried = !k->transit && how == LSP_LEDGER_GAVE_UP;

	assert_int_equal(rest.tail_ns, transit ? 0 : task->unblamed_ns);
	assert_int_equal(rest.handoff_ns, transit ? task->unblamed_ns : 0);
	assert_int_equal(rest.carried, carried);
	k->last_left_ns = t;
	k->last_wait_ns = t - task->key_enq_ns;
	if (carried) {
		assert_true(k->nleft < LEFT_MAX);
		k->left_ns[k->nleft++] = task->unblamed_ns;
		w->carried_in_ns += rest.tail_ns;
		w->carried_in_waits++;
	}
	w->left_in_transit += transit && rest.handoff_ns;
	w->handoff_ns += rest.handoff_ns;
	task->tail_ns += rest.tail_ns;
	return t;
}

static void leave(struct world *w, struct model_task *task, enum lsp_ledger_leave how)
{
	u64 t = leave_key(w, task, how);

	task->state = CLOSING;
	w->tail_ns += task->tail_ns;
	w->lock_wait_ns += t - task->enq_ns;
}

/* The second key may be ahead of the first: what lies between is tail. */
static void requeue(struct world *w, struct model_task *task, unsigned int key)
{
	u64 left = leave_key(w, task, below(w, 2) ? LSP_LEDGER_GONE : LSP_LEDGER_UNSEEN);
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
	model_left_give_up(k);
	lsp_ledger_give_up(&k->ledger);
	given_take(w, key);
	lsp_ledger_init(&k->ledger, k->ledger.epoch + 1);
	k->last_left_ns = 0;
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

/* All who wait on @key leave it, and for a while nobody comes. */
static void empty(struct world *w, unsigned int key)
{
	for (int i = 0; i < TASKS; i++) {
		if (w->tasks[i].state != WAITING || w->tasks[i].key != key)
			continue;
		leave(w, &w->tasks[i], LSP_LEDGER_GAVE_UP);
		tick(w);
	}
	w->clock_ns += below(w, 1000000);
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
	} else if (!below(w, 300)) {
		empty(w, key);
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
		switch (below(w, 8)) {
		case 0:
			leave(w, task, (enum lsp_ledger_leave)below(w, 3));
			break;
		case 6:
			leave(w, task, LSP_LEDGER_GAVE_UP);
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
			leave(w, &w->tasks[i], LSP_LEDGER_GONE);
		else if (w->tasks[i].state == WOKEN)
			run(w, &w->tasks[i]);
	}
	for (unsigned int i = 0; i < KEYS; i++) {
		model_left_give_up(&w->keys[i]);
		lsp_ledger_give_up(&w->keys[i].ledger);
		given_take(w, i);
	}
	/* A tail that was carried is somebody's hold in the end; what is left of it is given up. */
	assert_int_equal(w->carried_in_ns, w->carried_out_ns + w->given_ns);
	w->tail_ns -= w->carried_out_ns;
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
	unsigned int again = 0, passed = 0, carried = 0, given = 0, left_in_transit = 0;
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
		carried += w.carried;
		given += w.given;
		left_in_transit += w.left_in_transit;
		deepest = w.deepest > deepest ? w.deepest : deepest;
	}
	/* The schedules came to everything that they are meant to try. */
	print_message("%u events, %u late, %u requeues, %u steps back, %u bursts, %u forgotten, %u carried, %u given up, %u left in transit\n",
		      events, late, requeues, backwards, bursts, forgotten, carried, given, left_in_transit);
	assert_true(events > 1000000);
	assert_true(late > 1000 && requeues > 1000 && backwards > 1000);
	assert_true(bursts > 1000 && forgotten > 100 && again > 1000 && passed > 1000);
	assert_true(carried > 1000 && given > 1000 && left_in_transit > 1000);
	assert_int_equal(deepest, WAITERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
