// SPDX-License-Identifier: GPL-2.0-only
/* Who is woken by what: some of many, by bits, by WAKE_OP, in which order. */
#include <errno.h>
#include <stdio.h>

#include "tests.h"

#define P FUTEX_PRIVATE_FLAG

static struct actor *numbered(struct stage *s, const char *name, unsigned int i)
{
	char role[16];

	snprintf(role, sizeof(role), "%s%u", name, i);
	return stage_thread(s, role);
}

static void wake_n(struct stage *s)
{
	struct actor *waker = stage_thread(s, "waker"), *other = stage_thread(s, "other");
	uint32_t *word = stage_word(s);
	struct call *wait[5], *wake;
	unsigned int i;

	for (i = 0; i < 5; i++)
		wait[i] = stage_wait(s, numbered(s, "w", i), "wait", raw_wait(word, P, 0, NULL));
	wake = stage_call(s, waker, "wake", raw_wake(word, P, 2), 2);
	stage_woken(s, wait[0], wake, "woken", 0);
	stage_woken(s, wait[1], wake, "woken", 0);
	wake = stage_call(s, other, "wake", raw_wake(word, P, INT_MAX), 3);
	for (i = 2; i < 5; i++)
		stage_woken(s, wait[i], wake, "woken", 0);
}

static void wake_none(struct stage *s)
{
	struct actor *waker = stage_thread(s, "waker");
	uint32_t *word = stage_word(s);
	int i;

	for (i = 0; i < 4; i++)
		stage_call(s, waker, "wake", raw_wake(word, i & 1 ? P : 0, INT_MAX), 0);
}

static void wake_bitset(struct stage *s)
{
	static const uint32_t bits[] = { 1, 2, 4, 1 | 2 };
	struct actor *waker = stage_thread(s, "waker");
	uint32_t *word = stage_word(s);
	struct call *wait[4], *wake;
	unsigned int i;

	for (i = 0; i < 4; i++)
		wait[i] = stage_wait(s, numbered(s, "w", i), "wait_bitset",
				     raw_wait_bitset(word, P, 0, NULL, bits[i]));
	wake = stage_call(s, waker, "wake_bitset",
			  raw_futex(word, FUTEX_WAKE_BITSET | P, INT_MAX, NULL, NULL, 8), 0);
	wake = stage_call(s, waker, "wake_bitset",
			  raw_futex(word, FUTEX_WAKE_BITSET | P, INT_MAX, NULL, NULL, 2), 2);
	stage_woken(s, wait[1], wake, "woken", 0);
	stage_woken(s, wait[3], wake, "woken", 0);
	wake = stage_call(s, waker, "wake_bitset",
			  raw_futex(word, FUTEX_WAKE_BITSET | P, INT_MAX, NULL, NULL, 1 | 4), 2);
	stage_woken(s, wait[0], wake, "woken", 0);
	stage_woken(s, wait[2], wake, "woken", 0);
}

static void wake_op(struct stage *s)
{
	struct actor *waker = stage_thread(s, "waker"), *other = stage_thread(s, "other");
	uint32_t *first = stage_word(s), *second = stage_word(s);
	/* second += 1; wake there only if it was 0 */
	uint32_t add = FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0);
	struct call *a[2], *b[2], *wake;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		a[i] = stage_wait(s, numbered(s, "first", i), "wait", raw_wait(first, P, 0, NULL));
		b[i] = stage_wait(s, numbered(s, "second", i), "wait",
				  raw_wait(second, P, 0, NULL));
	}
	wake = stage_call(s, waker, "wake_op", raw_futex(first, FUTEX_WAKE_OP | P, 1,
							 (void *)1UL, second, add), 2);
	stage_woken(s, a[0], wake, "woken", 0);
	stage_woken(s, b[0], wake, "woken", 0);
	wake = stage_call(s, other, "wake_op", raw_futex(first, FUTEX_WAKE_OP | P, 1,
							 (void *)1UL, second, add), 1);
	stage_woken(s, a[1], wake, "woken", 0);
	wake = stage_call(s, other, "wake", raw_wake(second, P, 1), 1);
	stage_woken(s, b[1], wake, "woken", 0);
	if (*second != 2)
		stage_fail(s, "WAKE_OP did not add");
}

/* One at a time, by two wakers in turn: the queue is first in, first out. */
static void wake_order(struct stage *s)
{
	struct actor *waker[2] = { stage_thread(s, "even"), stage_thread(s, "odd") };
	uint32_t *word = stage_word(s);
	struct call *wait[8], *wake;
	unsigned int i;

	for (i = 0; i < 8; i++)
		wait[i] = stage_wait(s, numbered(s, "w", i), "wait", raw_wait(word, P, 0, NULL));
	for (i = 0; i < 8; i++) {
		wake = stage_call(s, waker[i % 2], "wake", raw_wake(word, P, 1), 1);
		stage_woken(s, wait[i], wake, "woken", 0);
	}
}

const struct test tests_wake[] = {
	{ "wake_n", wake_n, "FUTEX_WAKE of two of five, then of the rest" },
	{ "wake_none", wake_none, "FUTEX_WAKE without waiters: no release" },
	{ "wake_bitset", wake_bitset, "FUTEX_WAKE_BITSET chooses by bits" },
	{ "wake_op", wake_op, "FUTEX_WAKE_OP on both words, and on the first alone" },
	{ "wake_order", wake_order, "eight waiters, one after the other" },
	{ 0 }
};
