// SPDX-License-Identifier: GPL-2.0-only
/*
 * dlopen() looks at its caller for where to search, so the hooks note that
 * libraries will come and jump: the caller stays the program.
 */
#include "real.h"
#include "mappings.h"

void *lsp_dlopen_target(void);
void *lsp_dlmopen_target(void);

void *lsp_dlopen_target(void)
{
	lsp_text_stale();
	return (void *)lsp_reals()->dlopen;
}

void *lsp_dlmopen_target(void)
{
	lsp_text_stale();
	return (void *)lsp_reals()->dlmopen;
}

#define JUMP(name) \
	__asm__(".text\n" \
		".globl " #name "\n" \
		".type " #name ", @function\n" \
		#name ":\n" \
		".cfi_startproc\n" \
		"endbr64\n" \
		"pushq %rdi\n.cfi_adjust_cfa_offset 8\n" \
		"pushq %rsi\n.cfi_adjust_cfa_offset 8\n" \
		"pushq %rdx\n.cfi_adjust_cfa_offset 8\n" \
		"call lsp_" #name "_target\n" \
		"popq %rdx\n.cfi_adjust_cfa_offset -8\n" \
		"popq %rsi\n.cfi_adjust_cfa_offset -8\n" \
		"popq %rdi\n.cfi_adjust_cfa_offset -8\n" \
		"jmp *%rax\n" \
		".cfi_endproc\n" \
		".size " #name ", .-" #name "\n")

JUMP(dlopen);
JUMP(dlmopen);
