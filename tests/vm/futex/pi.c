// SPDX-License-Identifier: GPL-2.0-only
/* Priority-inheriting mutexes, by system calls alone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "tests.h"

#define P FUTEX_PRIVATE_FLAG

static struct raw_args lock(uint32_t *word, unsigned int op, const struct timespec *ts)
{
	return raw_futex(word, op | P, 0, ts, NULL, 0);
}

static struct raw_args unlock(uint32_t *word)
{
	return raw_futex(word, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0);
}

/* Three waiters; each gets the mutex from the one before it. */
static void run_chain(struct stage *s, const char *op, unsigned int nr, const struct timespec *ts)
{
	struct actor *owner = stage_thread(s, "owner");
	uint32_t *word = stage_word(s);
	struct call *wait[3], *release;
	char role[16];
	unsigned int i;

	stage_call(s, owner, "lock_pi", lock(word, FUTEX_LOCK_PI, NULL), 0);
	for (i = 0; i < 3; i++) {
		snprintf(role, sizeof(role), "w%u", i);
		wait[i] = stage_wait(s, stage_thread(s, role), op, lock(word, nr, ts));
	}
	for (i = 0; i < 3; i++) {
		release = stage_call(s, owner, "unlock_pi", unlock(word), 0);
		stage_woken(s, wait[i], release, "woken", 0);
		owner = wait[i]->actor;
	}
	stage_call(s, owner, "unlock_pi", unlock(word), 0);
	if (*word)
		stage_fail(s, "the mutex is not free at the end");
}

static void lock_pi(struct stage *s)
{
	run_chain(s, "lock_pi", FUTEX_LOCK_PI, NULL);
}

static void lock_pi_timed(struct stage *s)
{
	run_chain(s, "lock_pi", FUTEX_LOCK_PI, stage_timeout(s, CLOCK_REALTIME, 60000));
}

static bool has_lock_pi2(struct stage *s)
{
	/* An odd address: EINVAL where the operation is known. */
	s->unsupported = !raw_supported(lock((uint32_t *)1, FUTEX_LOCK_PI2, NULL));
	return !s->unsupported;
}

static void lock_pi2(struct stage *s)
{
	if (has_lock_pi2(s))
		run_chain(s, "lock_pi2", FUTEX_LOCK_PI2, stage_timeout(s, CLOCK_MONOTONIC, 60000));
}

static void run_timeout(struct stage *s, const char *op, unsigned int nr, int clock)
{
	struct actor *owner = stage_thread(s, "owner"), *waiter = stage_thread(s, "waiter");
	uint32_t *word = stage_word(s);
	struct call *wait;

	stage_call(s, owner, "lock_pi", lock(word, FUTEX_LOCK_PI, NULL), 0);
	wait = stage_post(s, waiter, op, lock(word, nr, stage_timeout(s, clock, 20)));
	stage_ended(s, wait, "timeout", -ETIMEDOUT);
	stage_call(s, owner, "unlock_pi", unlock(word), 0);
}

static void lock_pi_timeout(struct stage *s)
{
	run_timeout(s, "lock_pi", FUTEX_LOCK_PI, CLOCK_REALTIME);
}

static void lock_pi2_timeout(struct stage *s)
{
	if (has_lock_pi2(s))
		run_timeout(s, "lock_pi2", FUTEX_LOCK_PI2, CLOCK_MONOTONIC);
}

/* A PI wait starts anew after a handler, whatever the handler asked for. */
static void lock_pi_signal(struct stage *s)
{
	struct actor *owner = stage_thread(s, "owner"), *waiter = stage_thread(s, "waiter");
	uint32_t *word = stage_word(s);
	struct call *wait, *release;

	stage_call(s, owner, "lock_pi", lock(word, FUTEX_LOCK_PI, NULL), 0);
	wait = stage_wait(s, waiter, "lock_pi", lock(word, FUTEX_LOCK_PI, NULL));
	for (; wait->signals < 2; wait->signals++) {
		stage_signal(s, waiter, SIGUSR1);
		stage_parked(s, wait);
	}
	release = stage_call(s, owner, "unlock_pi", unlock(word), 0);
	stage_woken(s, wait, release, "woken", 0);
	stage_call(s, waiter, "unlock_pi", unlock(word), 0);
}

static void pi_nospan(struct stage *s)
{
	struct actor *owner = stage_thread(s, "owner"), *other = stage_thread(s, "other");
	uint32_t *word = stage_word(s);
	struct call *c;

	stage_call(s, owner, "lock_pi", lock(word, FUTEX_LOCK_PI, NULL), 0);
	c = stage_post(s, owner, "lock_pi", lock(word, FUTEX_LOCK_PI, NULL));
	stage_ended(s, c, NULL, -EDEADLK);
	c = stage_post(s, other, "trylock_pi", lock(word, FUTEX_TRYLOCK_PI, NULL));
	stage_ended(s, c, NULL, -EAGAIN);
	stage_call(s, other, "unlock_pi", unlock(word), -EPERM);
	stage_call(s, owner, "unlock_pi", unlock(word), 0);
}

const struct test tests_pi[] = {
	{ "lock_pi", lock_pi, "FUTEX_LOCK_PI, handed from one to the next" },
	{ "lock_pi_timed", lock_pi_timed, "the same with a timeout that is not reached" },
	{ "lock_pi2", lock_pi2, "FUTEX_LOCK_PI2 with a monotonic timeout" },
	{ "lock_pi_timeout", lock_pi_timeout, "FUTEX_LOCK_PI times out" },
	{ "lock_pi2_timeout", lock_pi2_timeout, "FUTEX_LOCK_PI2 times out" },
	{ "lock_pi_signal", lock_pi_signal, "two signals, then the mutex" },
	{ "pi_nospan", pi_nospan, "deadlock, trylock, foreign unlock: no span" },
	{ 0 }
};
