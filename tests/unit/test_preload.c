// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: user/preload/queue.c
 *
 * The userspace recorder's ledger against one that charges every waiter by
 * itself. Would catch: time that is charged twice or to nobody, or becomes
 * negative when a clock was read before another thread's step, a release that
 * is charged for another lock's waiters, handoff that is taken for a hold, a
 * lock that finds no place beside others, a child that takes over its parent's waiters, a
 * lock that stays in the table when nobody waits for it any more.
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
static uint64_t latest_ns[LOCKS];	/* of the steps while somebody waits; 0: nobody does */

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

static void leave_check(struct waiter *w, uint64_t read_ns, bool acquired)
{
	struct lsp_queue_parts parts;
	uint64_t now_ns = step(w->lock, read_ns);
	uint64_t expect = acquired && handoff[w->lock] ? charge_all(w->lock, now_ns) : 0;

	if (acquired)
		handoff[w->lock] = false;
	lsp_queue_leave(locks[w->lock], w->enter_ns, read_ns, acquired, &parts);
	assert_int_equal(parts.now_ns, now_ns);
	assert_true(parts.found);
	assert_int_equal(parts.handoff_ns, expect);
	assert_int_equal(parts.tail_ns, now_ns - w->charged_ns);
	w->waits = false;
	if (anybody(w->lock))
		return;
	handoff[w->lock] = false;
	latest_ns[w->lock] = 0;
}

static void release_check(int lock, uint64_t read_ns)
{
	struct lsp_queue_parts parts;
	uint64_t expect = anybody(lock) ? charge_all(lock, step(lock, read_ns)) : 0;

	lsp_queue_release(locks[lock], read_ns, true, &parts);
	assert_int_equal(parts.found, anybody(lock));
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
	uint64_t base_ns;

	*w = (struct waiter){ .waits = true, .lock = lock };
	assert_true(lsp_queue_enter(locks[lock], read_ns, &base_ns) > 0);
	assert_int_equal(base_ns, step(lock, read_ns));
	w->enter_ns = w->charged_ns = base_ns;
	assert_true(lsp_queue_any(locks[lock]));
}

static void test_ledger(void **state)
{
	uint64_t now_ns = 1000, read_ns;

	(void)state;
	srand(1);
	for (int i = 0; i < STEPS; i++) {
		struct waiter *w = &waiters[rand() % WAITERS];
		int lock = rand() % LOCKS;

		now_ns += (uint64_t)(rand() % 1000);
		read_ns = now_ns - (uint64_t)(rand() % 500);
		switch (rand() % 4) {
		case 0:
		case 1:
			if (w->waits)
				leave_check(w, read_ns, rand() % 4);
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
			leave_check(&waiters[i], now_ns, true);
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

static void test_crowd(void **state)
{
	static uint64_t base_ns[MANY];
	struct lsp_queue_parts parts;

	(void)state;
	assert_int_equal(lsp_queue_bucket(crowd_lock(BUCKETS)), lsp_queue_bucket(crowd_lock(0)));
	for (int turn = 0; turn < 2; turn++) {
		for (uintptr_t i = 0; i < MANY; i++)
			assert_int_equal(lsp_queue_enter(crowd_lock(i), 1000, &base_ns[i]), i < PLACES);
		for (uintptr_t i = 0; i < PLACES; i++) {
			lsp_queue_release(crowd_lock(i), 2000, true, &parts);
			assert_int_equal(parts.hold_ns, 1000);
			lsp_queue_leave(crowd_lock(i), base_ns[i], 2000, true, &parts);
			assert_true(parts.found);
			assert_int_equal(parts.waiters, 0);
		}
	}
	assert_false(lsp_queue_any(crowd_lock(0)));
}

/* A child: who waits in the parent does not wait in it. */
static void test_child(void **state)
{
	struct lsp_queue_parts parts;
	uint64_t base_ns;

	(void)state;
	assert_int_equal(lsp_queue_enter(locks[0], 1000, &base_ns), 1);
	lsp_queue_process_new(77);
	assert_false(lsp_queue_any(locks[0]));
	lsp_queue_release(locks[0], 2000, true, &parts);
	assert_false(parts.found);
	assert_int_equal(lsp_queue_enter(locks[0], 3000, &base_ns), 1);
	lsp_queue_leave(locks[0], base_ns, 4000, true, &parts);
	assert_true(parts.found);
	assert_false(lsp_queue_any(locks[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
