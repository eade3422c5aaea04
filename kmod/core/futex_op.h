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

/* Whether the call goes on with what a signal has interrupted; and whether it is one that starts another program. */
bool lsp_call_is_restart(u32 nr, bool compat);
bool lsp_call_is_exec(u32 nr, bool compat);

#endif
