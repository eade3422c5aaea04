/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the number and the arguments of a system call as a futex operation. */
#ifndef _LSP_CORE_FUTEX_OP_H
#define _LSP_CORE_FUTEX_OP_H

#include "types.h"
#include "../uapi/lockspan.h"

struct lsp_futex_op {
	u64 uaddr;	/* the word that is waited on; for WAITV the address of the vector */
	u64 uaddr2;	/* only of futex(2): the word to which WAIT_REQUEUE_PI and the requeues lead */
	u32 word;	/* the argument with the operation or the flags, as it is */
	u8 op;		/* enum lockspan_op */
	bool shared;	/* no FUTEX_PRIVATE_FLAG or FUTEX2_PRIVATE; for WAITV false, as each element says it */
};

/*
 * Operations and flags of futex(2), with the names and numbers of include/uapi/linux/futex.h. The headers of older
 * kernels do not have all of them.
 */
#define LSP_FUTEX_WAIT			0U
#define LSP_FUTEX_LOCK_PI		6U
#define LSP_FUTEX_WAIT_BITSET		9U
#define LSP_FUTEX_WAIT_REQUEUE_PI	11U
#define LSP_FUTEX_LOCK_PI2		13U
#define LSP_FUTEX_PRIVATE		128U	/* FUTEX_PRIVATE_FLAG and FUTEX2_PRIVATE */
#define LSP_FUTEX_CLOCK_REALTIME	256U

/* The operation for which @word, the second argument of futex(2), stands. OTHER: the call does not wait. */
static inline u8 lsp_futex_op_of(u32 word)
{
	switch (word & ~(LSP_FUTEX_PRIVATE | LSP_FUTEX_CLOCK_REALTIME)) {
	case LSP_FUTEX_WAIT:
		return LOCKSPAN_OP_WAIT;
	case LSP_FUTEX_WAIT_BITSET:
		return LOCKSPAN_OP_WAIT_BITSET;
	case LSP_FUTEX_WAIT_REQUEUE_PI:
		return LOCKSPAN_OP_WAIT_REQUEUE_PI;
	case LSP_FUTEX_LOCK_PI:
		return LOCKSPAN_OP_LOCK_PI;
	case LSP_FUTEX_LOCK_PI2:
		return LOCKSPAN_OP_LOCK_PI2;
	default:
		return LOCKSPAN_OP_OTHER;
	}
}

/*
 * @nr and @args are as syscall_get_nr() and syscall_get_arguments() return them. @compat says that
 * it is a 32-bit call. (A call of x32 is known by its number, whatever @compat says.)
 *
 * Returns whether it is a futex call that waits. @ret is always filled. For a futex call that does
 * not wait it has the word and the address, and op is OTHER. For any other call it has zeros, and
 * op is OTHER. restart_syscall is such a call: its caller finds the interrupted call in the restart
 * block.
 */
bool lsp_futex_op_read(u64 nr, const u64 args[6], bool compat, struct lsp_futex_op *ret);

/* Whether the call continues one that a signal has interrupted; and whether it executes another program. */
bool lsp_call_is_restart(u32 nr, bool compat);
bool lsp_call_is_exec(u32 nr, bool compat);

#endif
