// SPDX-License-Identifier: GPL-2.0-only
/* Waiters that end on another word than they began on. */
#include <errno.h>
#include <stdio.h>

#include "tests.h"

#define P FUTEX_PRIVATE_FLAG
#define MANY ((void *)(unsigned long)INT_MAX)

static struct actor *waiter(struct stage *s, unsigned int i)
{
	char role[16];

	snprintf(role, sizeof(role), "w%u", i);
	return stage_thread(s, role);
}

static void run_requeue(struct stage *s, const char *op, unsigned int nr, uint32_t expected)
{
	struct actor *mover = stage_thread(s, "mover"), *waker = stage_thread(s, "waker");
	uint32_t *from = stage_word(s), *to = stage_word(s);
	struct call *wait[4], *wake;
	unsigned int i;

	*from = expected;
	for (i = 0; i < 4; i++)
		wait[i] = stage_wait(s, waiter(s, i), "wait", raw_wait(from, P, expected, NULL));
	/* Both calls count the moved ones too, whatever futex(2) says. */
	wake = stage_call(s, mover, op, raw_futex(from, nr | P, 1, (void *)2UL, to, expected), 3);
	stage_woken(s, wait[0], wake, "woken", 0);
	wake = stage_call(s, waker, "wake", raw_wake(to, P, INT_MAX), 2);
	stage_woken(s, wait[1], wake, "requeued", 0);
	stage_woken(s, wait[2], wake, "requeued", 0);
	wake = stage_call(s, waker, "wake", raw_wake(from, P, INT_MAX), 1);
	stage_woken(s, wait[3], wake, "woken", 0);
}

static void requeue(struct stage *s)
{
	run_requeue(s, "requeue", FUTEX_REQUEUE, 0);
}

static void cmp_requeue(struct stage *s)
{
	struct actor *mover = stage_thread(s, "none");
	uint32_t *from = stage_word(s), *to = stage_word(s);

	stage_call(s, mover, "cmp_requeue",
		   raw_futex(from, FUTEX_CMP_REQUEUE | P, 1, MANY, to, 1), -EAGAIN);
	run_requeue(s, "cmp_requeue", FUTEX_CMP_REQUEUE, 7);
}

/* Moved without being woken, then the time is over on the second word. */
static void requeue_timeout(struct stage *s)
{
	struct actor *mover = stage_thread(s, "mover");
	uint32_t *from = stage_word(s), *to = stage_word(s);
	struct call *wait;

	wait = stage_wait(s, waiter(s, 0), "wait",
			  raw_wait(from, P, 0, stage_timeout(s, STAGE_RELATIVE, 500)));
	stage_call(s, mover, "requeue", raw_futex(from, FUTEX_REQUEUE | P, 0, MANY, to, 0), 1);
	stage_ended(s, wait, "timeout", -ETIMEDOUT);
}

static struct raw_args wait_requeue_pi(uint32_t *cond, uint32_t *mutex, const struct timespec *ts)
{
	return raw_futex(cond, FUTEX_WAIT_REQUEUE_PI | P, 0, ts, mutex, 0);
}

/* A condition variable's broadcast while the mutex is held by the caller. */
static void requeue_pi(struct stage *s)
{
	struct actor *owner = stage_thread(s, "owner");
	uint32_t *cond = stage_word(s), *mutex = stage_word(s);
	struct call *wait[3], *unlock;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		wait[i] = stage_wait(s, waiter(s, i), "wait_requeue_pi",
				     wait_requeue_pi(cond, mutex, NULL));
		wait[i]->extra_nosleep = true;
	}
	stage_call(s, owner, "lock_pi", raw_futex(mutex, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0), 0);
	stage_call(s, owner, "cmp_requeue_pi",
		   raw_futex(cond, FUTEX_CMP_REQUEUE_PI | P, 1, MANY, mutex, 0), 3);
	for (i = 0; i < 3; i++) {
		unlock = stage_call(s, owner, "unlock_pi",
				    raw_futex(mutex, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0), 0);
		stage_woken(s, wait[i], unlock, "requeued", 0);
		owner = wait[i]->actor;
	}
	stage_call(s, owner, "unlock_pi", raw_futex(mutex, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0),
		   0);
}

/* The same with a free mutex: the first waiter gets it from the requeuer itself. */
static void requeue_pi_grant(struct stage *s)
{
	struct actor *mover = stage_thread(s, "mover");
	uint32_t *cond = stage_word(s), *mutex = stage_word(s);
	struct call *wait[2], *wake;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		wait[i] = stage_wait(s, waiter(s, i), "wait_requeue_pi",
				     wait_requeue_pi(cond, mutex, NULL));
		wait[i]->extra_nosleep = true;
	}
	wake = stage_call(s, mover, "cmp_requeue_pi",
			  raw_futex(cond, FUTEX_CMP_REQUEUE_PI | P, 1, MANY, mutex, 0), 2);
	stage_woken(s, wait[0], wake, "requeued", 0);
	wake = stage_call(s, wait[0]->actor, "unlock_pi",
			  raw_futex(mutex, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0), 0);
	stage_woken(s, wait[1], wake, "requeued", 0);
	stage_call(s, wait[1]->actor, "unlock_pi",
		   raw_futex(mutex, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0), 0);
}

/* The time is over before, and after, the move to the mutex. */
static void requeue_pi_timeout(struct stage *s)
{
	struct actor *owner = stage_thread(s, "owner");
	uint32_t *cond = stage_word(s), *mutex = stage_word(s);
	struct call *wait;

	wait = stage_post(s, waiter(s, 0), "wait_requeue_pi",
			  wait_requeue_pi(cond, mutex, stage_timeout(s, CLOCK_MONOTONIC, 20)));
	stage_ended(s, wait, "timeout", -ETIMEDOUT);
	stage_call(s, owner, "lock_pi", raw_futex(mutex, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0), 0);
	wait = stage_wait(s, waiter(s, 1), "wait_requeue_pi",
			  wait_requeue_pi(cond, mutex, stage_timeout(s, CLOCK_MONOTONIC, 500)));
	wait->extra_nosleep = true;
	stage_call(s, owner, "cmp_requeue_pi",
		   raw_futex(cond, FUTEX_CMP_REQUEUE_PI | P, 1, MANY, mutex, 0), 1);
	stage_ended(s, wait, "timeout", -ETIMEDOUT);
	stage_call(s, owner, "unlock_pi", raw_futex(mutex, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0),
		   0);
}

const struct test tests_requeue[] = {
	{ "requeue", requeue, "FUTEX_REQUEUE: wake one, move two, leave one" },
	{ "cmp_requeue", cmp_requeue, "FUTEX_CMP_REQUEUE, after one that does not compare" },
	{ "requeue_timeout", requeue_timeout, "moved, then timed out" },
	{ "requeue_pi", requeue_pi, "FUTEX_CMP_REQUEUE_PI to a held mutex" },
	{ "requeue_pi_grant", requeue_pi_grant, "FUTEX_CMP_REQUEUE_PI to a free mutex" },
	{ "requeue_pi_timeout", requeue_pi_timeout, "timed out before and after the move" },
	{ 0 }
};
