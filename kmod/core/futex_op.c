// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells which system calls wait on a futex, and on which word. It reads calls and does not check
 * them: a combination that the kernel refuses (a clock flag with LOCK_PI, a misaligned address)
 * never reaches the probes. The numbers are written out here for two reasons. This file has to know
 * the numbers of both tables, for whatever it is compiled, and the headers of older kernels do not
 * have the newest calls.
 */
#include "futex_op.h"

/* From arch/x86/entry/syscalls/syscall_64.tbl. x32 has the same three calls, with one bit set. */
#define NR_64_FUTEX		202
#define NR_X32_BIT		0x40000000U
/* From arch/x86/entry/syscalls/syscall_32.tbl. */
#define NR_32_FUTEX		240
#define NR_32_FUTEX_TIME64	422
#define NR_64_RESTART		219
#define NR_64_EXECVE		59
#define NR_64_EXECVEAT		322
#define NR_32_RESTART		0
#define NR_32_EXECVE		11
#define NR_32_EXECVEAT		358
/* Calls for which x32 has numbers of its own. */
#define NR_X32_EXECVE		520
#define NR_X32_EXECVEAT		545
/* The number is the same in both tables. */
#define NR_FUTEX_WAITV		449
#define NR_FUTEX_WAIT		455

enum call {
	CALL_OTHER,
	CALL_FUTEX,
	CALL_WAITV,
	CALL_WAIT2,
};

static enum call call_of(u32 nr, bool compat)
{
	/*
	 * Some functions of the kernel call an x32 task "compat", but its table and its registers
	 * are the 64-bit ones.
	 */
	if (nr & NR_X32_BIT) {
		nr &= ~NR_X32_BIT;
		compat = false;
	}
	if (nr == NR_FUTEX_WAITV)
		return CALL_WAITV;
	if (nr == NR_FUTEX_WAIT)
		return CALL_WAIT2;
	if (compat ? nr == NR_32_FUTEX || nr == NR_32_FUTEX_TIME64 : nr == NR_64_FUTEX)
		return CALL_FUTEX;
	return CALL_OTHER;
}

bool lsp_call_is_restart(u32 nr, bool compat)
{
	if (nr & NR_X32_BIT)
		return nr == (NR_X32_BIT | NR_64_RESTART);
	return nr == (compat ? NR_32_RESTART : NR_64_RESTART);
}

bool lsp_call_is_exec(u32 nr, bool compat)
{
	if (nr & NR_X32_BIT)
		return nr == (NR_X32_BIT | NR_X32_EXECVE) || nr == (NR_X32_BIT | NR_X32_EXECVEAT);
	if (compat)
		return nr == NR_32_EXECVE || nr == NR_32_EXECVEAT;
	return nr == NR_64_EXECVE || nr == NR_64_EXECVEAT;
}

bool lsp_futex_op_read(u64 nr, const u64 args[6], bool compat, struct lsp_futex_op *ret)
{
	enum call call = call_of((u32)nr, compat);
	bool narrow = compat && !((u32)nr & NR_X32_BIT);

	ret->uaddr = 0;
	ret->uaddr2 = 0;
	ret->word = 0;
	ret->op = LOCKSPAN_OP_OTHER;
	ret->shared = false;
	if (call == CALL_OTHER)
		return false;

	ret->uaddr = narrow ? (u32)args[0] : args[0];
	switch (call) {
	case CALL_FUTEX:	/* uaddr, op, val, timeout, uaddr2, val3 */
		ret->uaddr2 = narrow ? (u32)args[4] : args[4];
		ret->word = (u32)args[1];
		ret->op = lsp_futex_op_of(ret->word);
		ret->shared = !(ret->word & LSP_FUTEX_PRIVATE);
		break;
	case CALL_WAITV:	/* waiters, nr_futexes, flags, timeout, clockid */
		ret->word = (u32)args[2];
		ret->op = LOCKSPAN_OP_WAITV;
		break;
	case CALL_WAIT2:	/* uaddr, val, mask, flags, timeout, clockid */
		ret->word = (u32)args[3];
		ret->op = LOCKSPAN_OP_WAIT2;
		ret->shared = !(ret->word & LSP_FUTEX_PRIVATE);
		break;
	default:
		break;
	}
	return ret->op != LOCKSPAN_OP_OTHER;
}
