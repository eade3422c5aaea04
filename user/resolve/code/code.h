/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes machine code where call frame information is missing: what the call before a return
 * address leads to, and where a function's prologue saved registers. x86-64.
 */
#ifndef LSP_CODE_CODE_H
#define LSP_CODE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../elf/file.h"

/* Copies up to @bytes bytes of the file's code at @vaddr. Returns how many there are. */
size_t lsp_code_read(struct lsp_elf *e, uint64_t vaddr, void *buf, size_t bytes);

/* Whether @vaddr is where a signal handler returns to: "mov $15 (rt_sigreturn), eax; syscall". */
bool lsp_code_is_sigreturn(struct lsp_elf *e, uint64_t vaddr);

/*
 * Whether the dynamic linker goes on at @vaddr after it has looked up a function for its first call
 * through the PLT (glibc's _dl_runtime_resolve). It is recognised by its code: the address found
 * goes into r11, and a jump to r11 follows soon.
 */
bool lsp_code_is_binder(struct lsp_elf *e, uint64_t vaddr);

/* Whether @vaddr lies at the file's entry point (_start). */
bool lsp_code_is_entry(const struct lsp_elf *e, uint64_t vaddr);

/*
 * Whether nothing called the code at the return address @vaddr: it is the entry point, or it ends
 * the thread as soon as the call before it returns.
 */
bool lsp_code_is_outermost(struct lsp_elf *e, uint64_t vaddr);

enum lsp_call_kind {
	LSP_CALL_NONE,		/* no call instruction ends there */
	LSP_CALL_DIRECT,	/* to @target */
	LSP_CALL_SLOT,		/* to where the pointer at @target points */
	LSP_CALL_INDIRECT,	/* through a register, so it may lead anywhere */
};

/* Decodes the call that returns to @vaddr. *@target is a vaddr of @e. */
enum lsp_call_kind lsp_code_call_before(struct lsp_elf *e, uint64_t vaddr, uint64_t *target);

/*
 * Whether the code at @vaddr only jumps through a pointer, as an entry of the PLT does. *@slot is
 * the vaddr of the pointer.
 */
bool lsp_code_is_plt(struct lsp_elf *e, uint64_t vaddr, uint64_t *slot);

/* Whether the function in [start, end) jumps to an address in [low, high], as in a tail call. */
bool lsp_code_jumps(struct lsp_elf *e, uint64_t start, uint64_t end, uint64_t low, uint64_t high);

/* Whether the function at @start begins by making rbp its frame pointer. */
bool lsp_code_sets_frame(struct lsp_elf *e, uint64_t start);

/*
 * Returns how many words below its return address the function at @start saved rbp: 1 for the first
 * push. Returns 0 if the prologue does not push rbp, or is not understood.
 */
unsigned int lsp_code_rbp_depth(struct lsp_elf *e, uint64_t start);

#endif
