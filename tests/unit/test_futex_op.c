// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a waiting call that goes unseen or under another name (as tools
 * that know FUTEX_WAIT alone miss condition variables, timed waits, PI mutexes
 * and futex_waitv), a call that only wakes taken for a wait, an argument read
 * from the wrong place, 32-bit garbage left in an address.
 * sources: kmod/core/futex_op.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <linux/futex.h>
#include <cmocka.h>

#include "../../kmod/core/futex_op.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#define FUTEX2_U32_FLAG 2
#define FUTEX2_PRIVATE_FLAG 128
#define X32 0x40000000ULL

/* Every argument differs and carries bits above the 32nd. */
#define A0 0x7f1234567890ULL
#define A0_LOW 0x34567890ULL
#define A4 0x00005555fedcba98ULL
#define A4_LOW 0xfedcba98ULL
#define HIGH 0xabcd00000000ULL
#define OTHER_ARGS(i) (HIGH | (0x1000 + (i)))

/* The operations of futex(2), by the kernel's own names. */
static const struct {
	u32 cmd;
	u8 op;
} commands[] = {
	{ FUTEX_WAIT, LOCKSPAN_OP_WAIT },
	{ FUTEX_WAIT_BITSET, LOCKSPAN_OP_WAIT_BITSET },
	{ FUTEX_WAIT_REQUEUE_PI, LOCKSPAN_OP_WAIT_REQUEUE_PI },
	{ FUTEX_LOCK_PI, LOCKSPAN_OP_LOCK_PI },
	{ FUTEX_LOCK_PI2, LOCKSPAN_OP_LOCK_PI2 },
	{ FUTEX_WAKE, LOCKSPAN_OP_OTHER },
	{ FUTEX_FD, LOCKSPAN_OP_OTHER },
	{ FUTEX_REQUEUE, LOCKSPAN_OP_OTHER },
	{ FUTEX_CMP_REQUEUE, LOCKSPAN_OP_OTHER },
	{ FUTEX_WAKE_OP, LOCKSPAN_OP_OTHER },
	{ FUTEX_UNLOCK_PI, LOCKSPAN_OP_OTHER },
	{ FUTEX_TRYLOCK_PI, LOCKSPAN_OP_OTHER },
	{ FUTEX_WAKE_BITSET, LOCKSPAN_OP_OTHER },
	{ FUTEX_CMP_REQUEUE_PI, LOCKSPAN_OP_OTHER },
	{ 14, LOCKSPAN_OP_OTHER },
	{ 64, LOCKSPAN_OP_OTHER },
	{ 64 | FUTEX_LOCK_PI, LOCKSPAN_OP_OTHER },
	{ 512, LOCKSPAN_OP_OTHER },
	{ 0x80000000, LOCKSPAN_OP_OTHER },
};

/* The ways into each call; x32 has the 64-bit registers, whatever the caller thinks of "compat". */
static const struct entry {
	u64 nr;
	bool compat;
	bool narrow;	/* arguments have 32 bits */
} futex_entries[] = {
	{ 202, false, false },
	{ X32 | 202, false, false },
	{ X32 | 202, true, false },
	{ 240, true, true },
	{ 422, true, true },
	{ HIGH | 202, false, false },	/* the kernel, too, looks at 32 bits of the number */
}, waitv_entries[] = {
	{ 449, false, false },
	{ X32 | 449, false, false },
	{ X32 | 449, true, false },
	{ 449, true, true },
}, wait2_entries[] = {
	{ 455, false, false },
	{ X32 | 455, false, false },
	{ X32 | 455, true, false },
	{ 455, true, true },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Checks that @ret was filled in whole, whatever was in it before. */
static void check(const struct entry *e, u64 args[6], bool waits, const struct lsp_futex_op *want)
{
	for (int fill = 0; fill < 256; fill += 255) {
		struct lsp_futex_op got;

		memset(&got, fill, sizeof(got));
		got.shared = fill;	/* a bool must not hold 255 */
		assert_int_equal(lsp_futex_op_read(e->nr, args, e->compat, &got), waits);
		assert_int_equal(got.uaddr, want->uaddr);
		assert_int_equal(got.uaddr2, want->uaddr2);
		assert_int_equal(got.word, want->word);
		assert_int_equal(got.op, want->op);
		assert_int_equal(got.shared, want->shared);
	}
}

static void args_fill(u64 args[6], int word_index, u32 word)
{
	for (int i = 0; i < 6; i++)
		args[i] = OTHER_ARGS(i);
	args[0] = A0;
	args[4] = A4;
	args[word_index] = HIGH | word;
}

static void test_futex(void **state)
{
	static const u32 flags[] = {
		0, FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME,
	};
	u64 args[6];

	(void)state;
	for (size_t e = 0; e < COUNT(futex_entries); e++) {
		for (size_t c = 0; c < COUNT(commands); c++) {
			for (size_t f = 0; f < COUNT(flags); f++) {
				struct lsp_futex_op want = {
					.uaddr = futex_entries[e].narrow ? A0_LOW : A0,
					.uaddr2 = futex_entries[e].narrow ? A4_LOW : A4,
					.word = commands[c].cmd | flags[f],
					.op = commands[c].op,
					.shared = !(flags[f] & FUTEX_PRIVATE_FLAG),
				};

				args_fill(args, 1, want.word);
				check(&futex_entries[e], args, want.op != LOCKSPAN_OP_OTHER, &want);
			}
		}
	}
}

/* The second argument alone, as the resolver has it in the registers of a stack. */
static void test_word(void **state)
{
	(void)state;
	for (size_t c = 0; c < COUNT(commands); c++) {
		assert_int_equal(lsp_futex_op_of(commands[c].cmd), commands[c].op);
		assert_int_equal(lsp_futex_op_of(commands[c].cmd | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME),
				 commands[c].op);
	}
}

/* Each element of the vector says for itself whether it is private. */
static void test_waitv(void **state)
{
	u64 args[6];

	(void)state;
	for (size_t e = 0; e < COUNT(waitv_entries); e++) {
		for (u32 word = 0; word < 256; word += 85) {
			struct lsp_futex_op want = {
				.uaddr = waitv_entries[e].narrow ? A0_LOW : A0,
				.word = word,
				.op = LOCKSPAN_OP_WAITV,
				.shared = false,
			};

			args_fill(args, 2, word);
			check(&waitv_entries[e], args, true, &want);
		}
	}
}

static void test_futex2_wait(void **state)
{
	static const u32 words[] = {
		FUTEX2_U32_FLAG, FUTEX2_U32_FLAG | FUTEX2_PRIVATE_FLAG, FUTEX2_PRIVATE_FLAG, 0,
	};
	u64 args[6];

	(void)state;
	for (size_t e = 0; e < COUNT(wait2_entries); e++) {
		for (size_t i = 0; i < COUNT(words); i++) {
			struct lsp_futex_op want = {
				.uaddr = wait2_entries[e].narrow ? A0_LOW : A0,
				.word = words[i],
				.op = LOCKSPAN_OP_WAIT2,
				.shared = !(words[i] & FUTEX2_PRIVATE_FLAG),
			};

			args_fill(args, 3, words[i]);
			check(&wait2_entries[e], args, true, &want);
		}
	}
}

/* The numbers of the other table, calls that wake, restart_syscall, and no call at all. */
static void test_no_futex_wait(void **state)
{
	static const struct entry others[] = {
		{ 0, false, false }, { 0, true, true },		/* read; restart_syscall */
		{ 219, false, false }, { 219, true, true },	/* restart_syscall; madvise */
		{ 202, true, true },				/* getegid32 */
		{ 240, false, false },				/* mq_open */
		{ 422, false, false },				/* not in the 64-bit table */
		{ X32 | 240, true, false }, { X32 | 422, true, false },
		{ 454, false, false }, { 454, true, true },	/* futex_wake */
		{ 456, false, false }, { 456, true, true },	/* futex_requeue */
		{ 448, false, false }, { 450, true, true },
		{ ~0ULL, false, false }, { ~0ULL, true, true },	/* no system call: -1 */
		{ 0xffffffff, false, false },
		{ 0x80000000ULL | 202, false, false },
	};
	const struct lsp_futex_op want = { .op = LOCKSPAN_OP_OTHER };
	u64 args[6];

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		args_fill(args, 1, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG);
		check(&others[i], args, false, &want);
	}
}

/* The tables above against the headers of the machine that builds this. */
static void test_numbers(void **state)
{
	(void)state;
#ifdef __x86_64__
	assert_int_equal(SYS_futex, 202);
#ifdef SYS_futex_waitv
	assert_int_equal(SYS_futex_waitv, 449);
#endif
#ifdef SYS_futex_wait
	assert_int_equal(SYS_futex_wait, 455);
#endif
#endif
	assert_int_equal(FUTEX_PRIVATE_FLAG, 128);
	assert_int_equal(FUTEX_CLOCK_REALTIME, 256);
}

/* By the numbers of the kernel's tables for 64 bits, 32 bits and x32. */
static void test_calls_beside_futex(void **state)
{
	static const struct {
		u32 nr;
		bool compat;
		bool restart;
		bool exec;
	} calls[] = {
		{ SYS_restart_syscall, false, true, false }, { SYS_restart_syscall | X32, false, true, false },
		{ SYS_restart_syscall | X32, true, true, false }, { SYS_restart_syscall, true, false, false },
		{ 0, true, true, false }, { 0, false, false, false }, { X32, false, false, false },
		{ SYS_execve, false, false, true }, { SYS_execveat, false, false, true },
		{ 11, true, false, true }, { 358, true, false, true }, { 520 | X32, false, false, true },
		{ 545 | X32, true, false, true }, { SYS_execve | X32, false, false, false },
		{ 11, false, false, false }, { SYS_execve, true, false, false }, { 520, false, false, false },
		{ SYS_futex, false, false, false }, { SYS_exit_group, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++) {
		assert_int_equal(lsp_call_is_restart(calls[i].nr, calls[i].compat), calls[i].restart);
		assert_int_equal(lsp_call_is_exec(calls[i].nr, calls[i].compat), calls[i].exec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_futex),
		cmocka_unit_test(test_word),
		cmocka_unit_test(test_waitv),
		cmocka_unit_test(test_futex2_wait),
		cmocka_unit_test(test_no_futex_wait),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_calls_beside_futex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
