/* SPDX-License-Identifier: GPL-2.0-only */
/* The stack of a hook's caller: its registers, and the STACK record of what lies on it. */
#ifndef LSP_PRELOAD_STACK_H
#define LSP_PRELOAD_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "../capture/userfile.h"

/* The registers of the caller at this place, in the contract's numbering; see LSP_REGS. */
struct lsp_regs {
	uint64_t r[LOCKSPAN_REGS];
};

/*
 * Takes the registers that unwinding needs. A macro, so that the place is in
 * the hook itself and its frame the stack's leaf.
 */
#define LSP_REGS(regs) \
	__asm__ volatile("leaq 0(%%rip), %%rax\n\t" \
			 "movq %%rax, 128(%0)\n\t" \
			 "movq %%rbx, 24(%0)\n\t" \
			 "movq %%rbp, 48(%0)\n\t" \
			 "movq %%rsp, 56(%0)\n\t" \
			 "movq %%r12, 96(%0)\n\t" \
			 "movq %%r13, 104(%0)\n\t" \
			 "movq %%r14, 112(%0)\n\t" \
			 "movq %%r15, 120(%0)" \
			 : : "r"((regs)->r) : "rax", "memory")

/* How many bytes of the stack are looked at for an initialisation. Only its caller is needed. */
#define LSP_STACK_SHORT_BYTES 2048

/*
 * Returns the name of the stack at @regs, or 0. At most @bytes bytes of it are looked at, and it is
 * sent if it is new. To be called between begin and end.
 */
uint64_t lsp_stack_name(const struct lsp_regs *regs, size_t bytes, uint64_t now_ns);

#endif
