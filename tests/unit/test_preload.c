// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: user/preload/queue.c
 *
 * The userspace recorder's ledger against one that charges every waiter by
 * itself. Would catch: time that is charged twice or to nobody, or becomes
 * negative when a clock was read before another thread's step, a release that
 * is charged for another lock's waiters, handoff that is taken for a hold, a
 * lock that finds no place beside others, a child that takes over its parent's waiters, a
 * lock that stays in the table when nobody waits for it any more; a wait that ended without the lock and
 * that is charged to no release, to the wrong one or twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../user/preload/queue.h"

#define LOCKS 3
#define WAITERS 16
#define STEPS 20000

struct waiter {
	bool waits;
	int lock;
	uint64_t enter_ns;
	uint64_t charged_ns;	/* up to this time it has been charged */
};

static char locks[LOCKS][64];
static struct waiter waiters[WAITERS];
static bool handoff[LOCKS];
static uint64_t latest_ns[LOCKS];	/* of the steps while the lock is in the table */

/* What ended without the lock, wait by wait, until a release takes it or it is given up. */
static struct left {
	uint64_t ns[STEPS];
	unsigned int n;
	uint64_t last_ns, last_wait_ns;
	bool untold;		/* something has been given up and may not have been told */
} left[LOCKS];
static uint64_t carried_in_ns, carried_out_ns, given_ns, told_ns;
static unsigned int given_waits, told_waits;

static uint64_t charge_all(int lock, uint64_t now_ns)
{
	uint64_t sum = 0;

	for (int i = 0; i < WAITERS; i++) {
		if (!waiters[i].waits || waiters[i].lock != lock)
			continue;
		sum += now_ns - waiters[i].charged_ns;
		waiters[i].charged_ns = now_ns;
	}
	return sum;
}

static bool anybody(int lock)
{
	for (int i = 0; i < WAITERS; i++)
		if (waiters[i].waits && waiters[i].lock == lock)
			return true;
	return false;
}

/* A time that may have been read before other threads' steps. */
static uint64_t step(int lock, uint64_t read_ns)
{
	if (latest_ns[lock] < read_ns)
		latest_ns[lock] = read_ns;
	return latest_ns[lock];
}

static uint64_t left_take(struct left *l)
{
	uint64_t sum = 0;

	while (l->n)
		sum += l->ns[--l->n];
	return sum;
}

static void given_hear(const struct lsp_queue_given *given)
{
	told_ns += given->waits ? given->wait_ns : 0;
	told_waits += given->waits;
}

static void left_give_up(struct left *l)
{
	l->untold |= l->n > 0;
	given_waits += l->n;
	given_ns += left_take(l);
}

/* Some time of each wait lies before it is accounted. */
#define BEFORE_NS 7

static void leave_check(struct waiter *w, uint64_t read_ns, enum lsp_queue_end end)
{
	struct lsp_queue_wait wait = {
		.lock = locks[w->lock], .key = 5, .start_ns = w->enter_ns - BEFORE_NS, .base_ns = w->enter_ns,
	};
	struct left *l = &left[w->lock];
	struct lsp_queue_parts parts;
	uint64_t now_ns = step(w->lock, read_ns), own_ns;
	bool acquired = end == LSP_QUEUE_ACQUIRED;
	uint64_t expect = acquired && handoff[w->lock] ? charge_all(w->lock, now_ns) : 0;

	if (acquired)
		handoff[w->lock] = false;
	own_ns = now_ns - w->charged_ns;
	/* Whose time is over on the lock's way to another has waited for nobody. */
	if (end == LSP_QUEUE_GAVE_UP && handoff[w->lock]) {
		expect += own_ns;
		own_ns = 0;
	} else if (end == LSP_QUEUE_GAVE_UP) {
		l->ns[l->n++] = own_ns + BEFORE_NS;
		carried_in_ns += own_ns + BEFORE_NS;
	}
	lsp_queue_leave(&wait, read_ns, end, &parts);
	assert_int_equal(parts.now_ns, now_ns);
	assert_true(parts.found);
	assert_int_equal(parts.handoff_ns, expect);
	assert_int_equal(parts.tail_ns, own_ns + BEFORE_NS);
	assert_int_equal(parts.carried, end == LSP_QUEUE_GAVE_UP && !handoff[w->lock]);
	given_hear(&parts.given);
	l->last_ns = now_ns;
	l->last_wait_ns = now_ns - w->enter_ns;
	w->waits = false;
	if (anybody(w->lock))
		return;
	handoff[w->lock] = false;
	if (!l->n && !l->untold)
		latest_ns[w->lock] = 0;
}

static void release_check(int lock, uint64_t read_ns)
{
	struct lsp_queue_parts parts;
	bool found = anybody(lock) || left[lock].n;
	uint64_t expect = found ? charge_all(lock, step(lock, read_ns)) : 0;
	unsigned int waits = left[lock].n;
	uint64_t taken_ns = handoff[lock] ? 0 : left_take(&left[lock]);

	expect += taken_ns;
	lsp_queue_release(locks[lock], read_ns, true, &parts);
	assert_int_equal(parts.found, found);
	assert_int_equal(parts.carried_ns, taken_ns);
	if (found)
		assert_int_equal(parts.carried_waits, waits);
	carried_out_ns += parts.carried_ns;
	assert_int_equal(handoff[lock] ? parts.handoff_ns : parts.hold_ns, expect);
	assert_int_equal(handoff[lock] ? parts.hold_ns : parts.handoff_ns, 0);
	if (anybody(lock))
		handoff[lock] = true;
}

static void acquire_check(int lock, uint64_t read_ns)
{
	uint64_t expect = anybody(lock) && handoff[lock] ? charge_all(lock, step(lock, read_ns)) : 0;

	assert_int_equal(lsp_queue_acquire(locks[lock], read_ns), expect);
	handoff[lock] = false;
}

static void enter_check(struct waiter *w, int lock, uint64_t read_ns)
{
	struct lsp_queue_given given;
	struct left *l = &left[lock];
	uint64_t base_ns, now_ns = step(lock, read_ns), gap_ns = now_ns - l->last_ns;

	if (l->n && !anybody(lock) && gap_ns > 50000 && gap_ns > l->last_wait_ns / 10)
		left_give_up(l);
	*w = (struct waiter){ .waits = true, .lock = lock };
	assert_true(lsp_queue_enter(locks[lock], read_ns, &base_ns, &given) > 0);
	assert_int_equal(base_ns, now_ns);
	given_hear(&given);
	w->enter_ns = w->charged_ns = base_ns;
	assert_true(lsp_queue_any(locks[lock]));
}

static void test_ledger(void **state)
{
	struct lsp_queue_given given;
	uint64_t now_ns = 1000, read_ns;
	uint32_t bucket = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < STEPS; i++) {
		struct waiter *w = &waiters[rand() % WAITERS];
		int lock = rand() % 16 ? 0 : rand() % LOCKS;	/* the others are empty now and then */

		now_ns += (uint64_t)(rand() % 100 ? rand() % 1000 : rand() % 1000000);
		read_ns = now_ns - (uint64_t)(rand() % 500);
		switch (rand() % 4) {
		case 0:
		case 1:
			if (w->waits)
				leave_check(w, read_ns, (enum lsp_queue_end)(rand() % 3));
			else
				enter_check(w, lock, read_ns);
			break;
		case 2:
			release_check(lock, read_ns);
			break;
		case 3:
			acquire_check(lock, read_ns);
			break;
		}
	}
	for (int i = 0; i < WAITERS; i++)
		if (waiters[i].waits)
			leave_check(&waiters[i], now_ns, LSP_QUEUE_ACQUIRED);
	for (int i = 0; i < LOCKS; i++)
		left_give_up(&left[i]);
	while (lsp_queue_give_up(&bucket, &given))
		given_hear(&given);
	assert_int_equal(told_waits, given_waits);
	assert_int_equal(told_ns, given_ns);
	assert_int_equal(carried_in_ns, carried_out_ns + given_ns);
	assert_true(carried_out_ns > 0 && given_waits > 10);
	for (int i = 0; i < LOCKS; i++)
		assert_false(lsp_queue_any(locks[i]));
}

/* More locks than their buckets hold, as many as there is room for at all and some more; and again. */
#define BUCKETS 64
#define PLACES (16384 + BUCKETS * 4)
#define MANY (PLACES + 100)

static const void *crowd_lock(uintptr_t i)
{
	return (const void *)(4096 + (i / BUCKETS << 27) + i % BUCKETS * 8);
}

static void leave(const void *lock, uint64_t base_ns, uint64_t now_ns, enum lsp_queue_end end,
		  struct lsp_queue_parts *parts)
{
	const struct lsp_queue_wait wait = { .lock = lock, .key = 5, .start_ns = base_ns, .base_ns = base_ns };

	lsp_queue_leave(&wait, now_ns, end, parts);
}

static void test_crowd(void **state)
{
	static uint64_t base_ns[MANY];
	struct lsp_queue_given given;
	struct lsp_queue_parts parts;

	(void)state;
	assert_int_equal(lsp_queue_bucket(crowd_lock(BUCKETS)), lsp_queue_bucket(crowd_lock(0)));
	for (int turn = 0; turn < 2; turn++) {
		for (uintptr_t i = 0; i < MANY; i++)
			assert_int_equal(lsp_queue_enter(crowd_lock(i), 1000, &base_ns[i], &given), i < PLACES);
		for (uintptr_t i = 0; i < PLACES; i++) {
			lsp_queue_release(crowd_lock(i), 2000, true, &parts);
			assert_int_equal(parts.hold_ns, 1000);
			leave(crowd_lock(i), base_ns[i], 2000, LSP_QUEUE_ACQUIRED, &parts);
			assert_true(parts.found);
			assert_int_equal(parts.waiters, 0);
		}
	}
	assert_false(lsp_queue_any(crowd_lock(0)));
}

/* A lock that is kept for what is carried on it makes room for one that is waited for, and is not forgotten. */
static void test_crowd_carries(void **state)
{
	struct lsp_queue_given given;
	struct lsp_queue_parts parts;
	unsigned int told = 0;
	uint64_t base_ns;
	uint32_t bucket = 0;

	(void)state;
	for (uintptr_t i = 0; i < 40; i++) {
		assert_int_equal(lsp_queue_enter(crowd_lock(i * BUCKETS), 1000, &base_ns, &given), 1);
		told += given.waits;
		leave(crowd_lock(i * BUCKETS), base_ns, 1100, LSP_QUEUE_GAVE_UP, &parts);
		assert_true(parts.carried);
		told += parts.given.waits;
	}
	/* The last ones still are. */
	assert_int_equal(lsp_queue_enter(crowd_lock(39 * BUCKETS), 1200, &base_ns, &given), 1);
	lsp_queue_release(crowd_lock(39 * BUCKETS), 1300, true, &parts);
	assert_int_equal(parts.hold_ns, 200);
	assert_int_equal(parts.carried_ns, 100);
	leave(crowd_lock(39 * BUCKETS), base_ns, 1300, LSP_QUEUE_ACQUIRED, &parts);
	assert_true(told >= 30);
	while (lsp_queue_give_up(&bucket, &given)) {
		assert_int_equal(given.key, 5);
		told += given.waits;
	}
	assert_int_equal(told, 39);
}

/* A child: who waits in the parent does not wait in it. */
static void test_child(void **state)
{
	struct lsp_queue_given given;
	struct lsp_queue_parts parts;
	uint64_t base_ns;

	(void)state;
	assert_int_equal(lsp_queue_enter(locks[0], 1000, &base_ns, &given), 1);
	lsp_queue_process_new(77);
	assert_false(lsp_queue_any(locks[0]));
	lsp_queue_release(locks[0], 2000, true, &parts);
	assert_false(parts.found);
	assert_int_equal(lsp_queue_enter(locks[0], 3000, &base_ns, &given), 1);
	leave(locks[0], base_ns, 4000, LSP_QUEUE_ACQUIRED, &parts);
	assert_true(parts.found);
	assert_false(lsp_queue_any(locks[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_crowd_carries),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
