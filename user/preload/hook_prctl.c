// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that forbids itself system calls says so by prctl(), or gives up the right to more
 * privileges before it does. The hook notes it and jumps, with all that it was given.
 */
#include <sys/prctl.h>

#include "copy.h"
#include "real.h"

void *lsp_prctl_target(int option);

void *lsp_prctl_target(int option)
{
	if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS)
		lsp_copy_be_careful();
	return (void *)lsp_reals()->prctl;
}

__asm__(".text\n"
	".globl prctl\n"
	".type prctl, @function\n"
	"prctl:\n"
	".cfi_startproc\n"
	"endbr64\n"
	"pushq %rdi\n.cfi_adjust_cfa_offset 8\n"
	"pushq %rsi\n.cfi_adjust_cfa_offset 8\n"
	"pushq %rdx\n.cfi_adjust_cfa_offset 8\n"
	"pushq %rcx\n.cfi_adjust_cfa_offset 8\n"
	"pushq %r8\n.cfi_adjust_cfa_offset 8\n"
	"call lsp_prctl_target\n"
	"popq %r8\n.cfi_adjust_cfa_offset -8\n"
	"popq %rcx\n.cfi_adjust_cfa_offset -8\n"
	"popq %rdx\n.cfi_adjust_cfa_offset -8\n"
	"popq %rsi\n.cfi_adjust_cfa_offset -8\n"
	"popq %rdi\n.cfi_adjust_cfa_offset -8\n"
	"movq %rax, %r11\n"
	"xorl %eax, %eax\n"
	"jmp *%r11\n"
	".cfi_endproc\n"
	".size prctl, .-prctl\n");
