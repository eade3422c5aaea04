/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads a waiting system call's number and arguments as a futex operation. */
#ifndef _LSP_CORE_FUTEX_OP_H
#define _LSP_CORE_FUTEX_OP_H

#include "types.h"
#include "../uapi/lockspan.h"

struct lsp_futex_op {
	u64 uaddr;	/* the word waited on; for WAITV the address of the vector */
	u64 uaddr2;	/* of futex(2) only: the word that WAIT_REQUEUE_PI and the requeues lead to */
	u32 word;	/* the raw operation or flags argument */
	u8 op;		/* enum lockspan_op */
	bool shared;	/* not FUTEX_PRIVATE_FLAG (FUTEX2_PRIVATE); false for WAITV, whose elements each say it */
};

/*
 * @nr and @args as syscall_get_nr() and syscall_get_arguments() give them,
 * @compat for a 32-bit call (an x32 one is known by its number, whatever
 * @compat). @ret is filled for every input; returns false and op OTHER when
 * this is no waiting futex call (restart_syscall included: its caller has the
 * restart block), with the word and address of a futex call that does not wait
 * and zeros for any other.
 */
bool lsp_futex_op_read(u64 nr, const u64 args[6], bool compat, struct lsp_futex_op *ret);

/* For operations from 0 on; the others are OTHER. */
extern const u8 lsp_futex_ops[16];

/* The same for futex(2) of 64-bit programs, of which these are first, second and fifth argument. */
static inline void lsp_futex_op_read_64(u64 uaddr, u64 word, u64 uaddr2, struct lsp_futex_op *ret)
{
	/* Without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME. */
	u32 op = (u32)word & ~384U;

	ret->uaddr = uaddr;
	ret->uaddr2 = uaddr2;
	ret->word = (u32)word;
	ret->op = op < 16 ? lsp_futex_ops[op] : (u8)LOCKSPAN_OP_OTHER;
	ret->shared = !(word & 128);
}

#endif
