// SPDX-License-Identifier: GPL-2.0-only
/* futex_waitv, and the calls futex_wait, futex_wake and futex_requeue. */
#include <errno.h>
#include <stdio.h>

#include "tests.h"

#define WORDS 4

/* Vectors live as long as their test: calls are printed after it. */
static struct raw_waitv vector[2][WORDS];

static struct raw_args waitv(unsigned int which, const struct timespec *ts)
{
	return (struct raw_args){
		.nr = RAW_NR_WAITV,
		.arg = { (unsigned long)vector[which], WORDS, 0, (unsigned long)ts,
			 CLOCK_MONOTONIC },
	};
}

static bool has_waitv(struct stage *s)
{
	/* No entries: EINVAL where the call is known. */
	s->unsupported = !raw_supported((struct raw_args){ .nr = RAW_NR_WAITV });
	return !s->unsupported;
}

static void vector_fill(struct stage *s, unsigned int which, uint32_t flags)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		vector[which][i] = (struct raw_waitv){
			.uaddr = (unsigned long)stage_word(s),
			.flags = RAW_F2_U32 | flags,
		};
}

static uint32_t *vector_word(unsigned int which, unsigned int i)
{
	return (uint32_t *)(unsigned long)vector[which][i].uaddr;
}

/* Two waiters on two vectors; each is woken by another of its words. */
static void run_waitv(struct stage *s, uint32_t f2_flags, unsigned int flags)
{
	struct actor *first, *second, *waker;
	struct call *a, *b, *wake;

	if (!has_waitv(s))
		return;
	first = stage_thread(s, "first");
	second = stage_thread(s, "second");
	waker = stage_thread(s, "waker");
	vector_fill(s, 0, f2_flags);
	vector_fill(s, 1, f2_flags);
	a = stage_wait(s, first, "waitv", waitv(0, NULL));
	b = stage_wait(s, second, "waitv", waitv(1, stage_timeout(s, CLOCK_MONOTONIC, 60000)));
	wake = stage_call(s, waker, "wake", raw_wake(vector_word(0, 2), flags, 1), 1);
	stage_woken(s, a, wake, "woken", 2);
	wake = stage_call(s, waker, "wake", raw_wake(vector_word(1, 0), flags, 1), 1);
	stage_woken(s, b, wake, "woken", 0);
}

static void waitv_private(struct stage *s)
{
	run_waitv(s, RAW_F2_PRIVATE, FUTEX_PRIVATE_FLAG);
}

static void waitv_shared(struct stage *s)
{
	run_waitv(s, 0, 0);
}

static void waitv_timeout(struct stage *s)
{
	struct actor *waiter;
	struct call *c;

	if (!has_waitv(s))
		return;
	waiter = stage_thread(s, "waiter");
	vector_fill(s, 0, RAW_F2_PRIVATE);
	c = stage_post(s, waiter, "waitv", waitv(0, stage_timeout(s, CLOCK_MONOTONIC, 20)));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
	vector[0][1].val = 1;
	c = stage_post(s, waiter, "waitv", waitv(0, NULL));
	stage_ended(s, c, NULL, -EAGAIN);
}

static struct raw_args wait2(uint32_t *word, unsigned long mask, uint32_t flags,
			     const struct timespec *ts)
{
	return (struct raw_args){
		.nr = RAW_NR_FUTEX2_WAIT,
		.arg = { (unsigned long)word, 0, mask, RAW_F2_U32 | flags, (unsigned long)ts,
			 CLOCK_MONOTONIC },
	};
}

static struct raw_args wake2(uint32_t *word, unsigned long mask, int waiters, uint32_t flags)
{
	return (struct raw_args){
		.nr = RAW_NR_FUTEX2_WAKE,
		.arg = { (unsigned long)word, mask, (unsigned long)waiters, RAW_F2_U32 | flags },
	};
}

static bool has_futex2(struct stage *s)
{
	s->unsupported = !raw_supported(wake2(NULL, 0, 0, ~0U));
	return !s->unsupported;
}

static void run_futex2(struct stage *s, uint32_t flags)
{
	struct actor *waker;
	struct call *wait[3], *wake;
	uint32_t *word;
	unsigned int i;
	char role[16];

	if (!has_futex2(s))
		return;
	waker = stage_thread(s, "waker");
	word = stage_word(s);
	for (i = 0; i < 3; i++) {
		snprintf(role, sizeof(role), "w%u", i);
		wait[i] = stage_wait(s, stage_thread(s, role), "futex2_wait",
				     wait2(word, i == 1 ? 2 : 1, flags, NULL));
	}
	wake = stage_call(s, waker, "futex2_wake", wake2(word, 2, 9, flags), 1);
	stage_woken(s, wait[1], wake, "woken", 0);
	wake = stage_call(s, waker, "futex2_wake", wake2(word, 1, 1, flags), 1);
	stage_woken(s, wait[0], wake, "woken", 0);
	/* The old call wakes the new one's waiters. */
	wake = stage_call(s, waker, "wake",
			  raw_wake(word, flags ? FUTEX_PRIVATE_FLAG : 0, 1), 1);
	stage_woken(s, wait[2], wake, "woken", 0);
}

static void futex2_private(struct stage *s)
{
	run_futex2(s, RAW_F2_PRIVATE);
}

static void futex2_shared(struct stage *s)
{
	run_futex2(s, 0);
}

static void futex2_timeout(struct stage *s)
{
	struct actor *waiter;
	struct call *c;

	if (!has_futex2(s))
		return;
	waiter = stage_thread(s, "waiter");
	c = stage_post(s, waiter, "futex2_wait", wait2(stage_word(s), 1, RAW_F2_PRIVATE,
						       stage_timeout(s, CLOCK_MONOTONIC, 20)));
	stage_ended(s, c, "timeout", -ETIMEDOUT);
}

static void futex2_requeue(struct stage *s)
{
	struct actor *mover, *waker;
	struct call *wait[3], *wake;
	unsigned int i;
	char role[16];

	if (!has_futex2(s))
		return;
	mover = stage_thread(s, "mover");
	waker = stage_thread(s, "waker");
	vector_fill(s, 0, RAW_F2_PRIVATE);
	for (i = 0; i < 3; i++) {
		snprintf(role, sizeof(role), "w%u", i);
		wait[i] = stage_wait(s, stage_thread(s, role), "futex2_wait",
				     wait2(vector_word(0, 0), 1, RAW_F2_PRIVATE, NULL));
	}
	wake = stage_call(s, mover, "futex2_requeue",
			  (struct raw_args){ .nr = RAW_NR_FUTEX2_REQUEUE,
					     .arg = { (unsigned long)vector[0], 0, 1, 9 } }, 3);
	stage_woken(s, wait[0], wake, "woken", 0);
	wake = stage_call(s, waker, "futex2_wake", wake2(vector_word(0, 1), 1, 9, RAW_F2_PRIVATE),
			  2);
	stage_woken(s, wait[1], wake, "requeued", 0);
	stage_woken(s, wait[2], wake, "requeued", 0);
}

const struct test tests_futex2[] = {
	{ "waitv", waitv_private, "futex_waitv on four private words, woken by one" },
	{ "waitv_shared", waitv_shared, "futex_waitv on four shared words" },
	{ "waitv_timeout", waitv_timeout, "futex_waitv times out; another value: no span" },
	{ "futex2", futex2_private, "futex_wait and futex_wake, private" },
	{ "futex2_shared", futex2_shared, "futex_wait and futex_wake, shared" },
	{ "futex2_timeout", futex2_timeout, "futex_wait times out" },
	{ "futex2_requeue", futex2_requeue, "futex_requeue: wake one, move two" },
	{ 0 }
};
