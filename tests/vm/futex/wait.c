// SPDX-License-Identifier: GPL-2.0-only
/* How a plain wait begins and ends: woken, timeout, signal, value not equal. */
#include <errno.h>
#include <signal.h>

#include "tests.h"

#define P FUTEX_PRIVATE_FLAG
#define ALL_BITS FUTEX_BITSET_MATCH_ANY

static void run_woken(struct stage *s, const char *op, struct raw_args args)
{
	struct actor *waiter = stage_thread(s, "waiter"), *waker = stage_thread(s, "waker");
	uint32_t *word = (uint32_t *)args.arg[0];
	struct call *wait = stage_wait(s, waiter, op, args);
	struct call *wake = stage_call(s, waker, "wake",
				       raw_wake(word, (unsigned int)args.arg[1] & P, 1), 1);

	stage_woken(s, wait, wake, "woken", 0);
}

static void wait_plain(struct stage *s)
{
	run_woken(s, "wait", raw_wait(stage_word(s), P, 0, NULL));
}

static void wait_timed(struct stage *s)
{
	run_woken(s, "wait", raw_wait(stage_word(s), P, 0,
				      stage_timeout(s, STAGE_RELATIVE, 60000)));
}

static void wait_bitset(struct stage *s)
{
	run_woken(s, "wait_bitset", raw_wait_bitset(stage_word(s), P, 0,
						    stage_timeout(s, CLOCK_MONOTONIC, 60000),
						    ALL_BITS));
}

static void wait_realtime(struct stage *s)
{
	run_woken(s, "wait_bitset", raw_wait_bitset(stage_word(s), P | FUTEX_CLOCK_REALTIME, 0,
						    stage_timeout(s, CLOCK_REALTIME, 60000),
						    ALL_BITS));
}

static void wait_shared(struct stage *s)
{
	run_woken(s, "wait", raw_wait(stage_word(s), 0, 0, NULL));
}

static void timeout(struct stage *s)
{
	struct actor *waiter = stage_thread(s, "waiter");
	struct call *c;

	c = stage_post(s, waiter, "wait", raw_wait(stage_word(s), P, 0,
						   stage_timeout(s, STAGE_RELATIVE, 20)));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
	c = stage_post(s, waiter, "wait_bitset",
		       raw_wait_bitset(stage_word(s), P, 0,
				       stage_timeout(s, CLOCK_MONOTONIC, 20), ALL_BITS));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
	c = stage_post(s, waiter, "wait_bitset",
		       raw_wait_bitset(stage_word(s), P | FUTEX_CLOCK_REALTIME, 0,
				       stage_timeout(s, CLOCK_REALTIME, 20), ALL_BITS));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
}

/* A time that is over already: whether the task sleeps at all is the kernel's affair. */
static void timeout_past(struct stage *s)
{
	struct actor *waiter = stage_thread(s, "waiter");
	struct call *c;

	c = stage_post(s, waiter, "wait_bitset",
		       raw_wait_bitset(stage_word(s), P, 0,
				       stage_timeout(s, CLOCK_MONOTONIC, 0), ALL_BITS));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
}

static void eagain(struct stage *s)
{
	struct actor *waiter = stage_thread(s, "waiter");
	struct call *c;
	int i;

	for (i = 0; i < 4; i++) {
		c = stage_post(s, waiter, "wait", raw_wait(stage_word(s), i & 1 ? P : 0, 1, NULL));
		stage_ended(s, c, NULL, -EAGAIN);
		c = stage_post(s, waiter, "wait_bitset",
			       raw_wait_bitset(stage_word(s), P, 1, NULL, ALL_BITS));
		stage_ended(s, c, NULL, -EAGAIN);
	}
}

static void signal_eintr(struct stage *s)
{
	struct actor *waiter = stage_thread(s, "waiter");
	struct call *c;

	c = stage_wait(s, waiter, "wait", raw_wait(stage_word(s), P, 0, NULL));
	stage_signal(s, waiter, SIGUSR1);
	stage_ended(s, c, "signal", -EINTR);
	/* With a relative timeout a handler ends the call even if it asked for a restart. */
	c = stage_wait(s, waiter, "wait", raw_wait(stage_word(s), P, 0,
						   stage_timeout(s, STAGE_RELATIVE, 60000)));
	stage_signal(s, waiter, SIGUSR2);
	stage_ended(s, c, "signal", -EINTR);
}

static void signal_restart(struct stage *s)
{
	struct actor *waiter = stage_thread(s, "waiter"), *waker = stage_thread(s, "waker");
	uint32_t *word = stage_word(s);
	struct call *wait, *wake;

	wait = stage_wait(s, waiter, "wait", raw_wait(word, P, 0, NULL));
	for (; wait->signals < 3; wait->signals++) {
		stage_signal(s, waiter, SIGUSR2);
		stage_parked(s, wait);
	}
	wake = stage_call(s, waker, "wake", raw_wake(word, P, 1), 1);
	stage_woken(s, wait, wake, "woken", 0);
}

const struct test tests_wait[] = {
	{ "wait", wait_plain, "FUTEX_WAIT, woken by one FUTEX_WAKE" },
	{ "wait_timed", wait_timed, "FUTEX_WAIT with a long timeout, woken" },
	{ "wait_bitset", wait_bitset, "FUTEX_WAIT_BITSET to a monotonic time, woken" },
	{ "wait_realtime", wait_realtime, "FUTEX_WAIT_BITSET to a real time, woken" },
	{ "wait_shared_op", wait_shared, "shared operations on private memory" },
	{ "timeout", timeout, "relative, monotonic and real-time timeouts" },
	{ "timeout_past", timeout_past, "a timeout that is over before the call" },
	{ "eagain", eagain, "the value is another: no span" },
	{ "signal_eintr", signal_eintr, "ended by a signal handler" },
	{ "signal_restart", signal_restart, "three restarts after handlers, then woken" },
	{ 0 }
};
