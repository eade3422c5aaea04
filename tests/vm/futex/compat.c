// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 32-bit entry, by int $0x80 from this 64-bit program. All words and
 * timeouts lie below 4 GiB.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests.h"

#define P FUTEX_PRIVATE_FLAG
#define COMPAT_NR_GETPID 20

/* Where the entry is switched off, the trap is a fault: try it in a child. */
static bool has_compat(struct stage *s)
{
	struct raw_args getpid_args = { .nr = COMPAT_NR_GETPID, .compat = true };
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(raw_call(&getpid_args) != getpid());
	s->unsupported = pid < 0 || waitpid(pid, &status, 0) != pid || status;
	return !s->unsupported;
}

static struct raw_args narrow(struct raw_args args, long nr)
{
	args.nr = nr;
	args.compat = true;
	return args;
}

/* struct old_timespec32 in the place of a timespec. */
static const struct timespec *timeout32(struct stage *s, unsigned int ms)
{
	struct timespec *slot = &s->timeout[s->timeouts++];
	int32_t *old = (int32_t *)slot;

	old[0] = (int32_t)(ms / 1000);
	old[1] = (int32_t)(ms % 1000) * 1000000;
	return slot;
}

static void compat_wait(struct stage *s)
{
	struct actor *waiter, *waker;
	struct call *wait, *wake;
	uint32_t *word;

	if (!has_compat(s))
		return;
	waiter = stage_thread(s, "waiter");
	waker = stage_thread(s, "waker");
	word = stage_word(s);
	wait = stage_wait(s, waiter, "wait",
			  narrow(raw_wait(word, P, 0, NULL), RAW_NR_COMPAT_FUTEX));
	wake = stage_call(s, waker, "wake", raw_wake(word, P, 1), 1);
	stage_woken(s, wait, wake, "woken", 0);
	wait = stage_wait(s, waiter, "wait_bitset",
			  narrow(raw_wait_bitset(word, P, 0, NULL, 6), RAW_NR_COMPAT_FUTEX));
	wake = stage_call(s, waker, "wake",
			  narrow(raw_wake(word, P, 1), RAW_NR_COMPAT_FUTEX), 1);
	stage_woken(s, wait, wake, "woken", 0);
	wait = stage_wait(s, waiter, "wait_bitset",
			  narrow(raw_wait_bitset(word, P, 0,
						 stage_timeout(s, CLOCK_MONOTONIC, 60000), 6),
				 RAW_NR_COMPAT_FUTEX_TIME64));
	wake = stage_call(s, waker, "wake", raw_wake(word, P, 1), 1);
	stage_woken(s, wait, wake, "woken", 0);
}

static void compat_timeout(struct stage *s)
{
	struct actor *waiter;
	struct call *c;

	if (!has_compat(s))
		return;
	waiter = stage_thread(s, "waiter");
	c = stage_post(s, waiter, "wait", narrow(raw_wait(stage_word(s), P, 0, timeout32(s, 20)),
						 RAW_NR_COMPAT_FUTEX));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
	c = stage_post(s, waiter, "wait", narrow(raw_wait(stage_word(s), P, 0,
							  stage_timeout(s, STAGE_RELATIVE, 20)),
						 RAW_NR_COMPAT_FUTEX_TIME64));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
	c = stage_post(s, waiter, "wait", narrow(raw_wait(stage_word(s), P, 1, NULL),
						 RAW_NR_COMPAT_FUTEX));
	stage_ended(s, c, NULL, -EAGAIN);
}

static void compat_lock_pi(struct stage *s)
{
	struct actor *owner, *waiter;
	struct call *wait, *wake;
	uint32_t *word;

	if (!has_compat(s))
		return;
	owner = stage_thread(s, "owner");
	waiter = stage_thread(s, "waiter");
	word = stage_word(s);
	stage_call(s, owner, "lock_pi", narrow(raw_futex(word, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0),
					       RAW_NR_COMPAT_FUTEX), 0);
	wait = stage_wait(s, waiter, "lock_pi",
			  narrow(raw_futex(word, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0),
				 RAW_NR_COMPAT_FUTEX));
	wake = stage_call(s, owner, "unlock_pi",
			  narrow(raw_futex(word, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0),
				 RAW_NR_COMPAT_FUTEX), 0);
	stage_woken(s, wait, wake, "woken", 0);
	stage_call(s, waiter, "unlock_pi",
		   raw_futex(word, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0), 0);
}

const struct test tests_compat[] = {
	{ "compat", compat_wait, "32-bit waits, woken by 64-bit and 32-bit calls" },
	{ "compat_timeout", compat_timeout, "32-bit waits that time out or do not begin" },
	{ "compat_lock_pi", compat_lock_pi, "32-bit PI mutex" },
	{ 0 }
};
