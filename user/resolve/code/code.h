/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine code read where call frame information is missing: whether the call
 * before a return address leads to a function, and what a function's prologue
 * saved. x86-64.
 */
#ifndef LSP_CODE_CODE_H
#define LSP_CODE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../elf/file.h"

/* Copies up to @bytes of the file's code at @vaddr; returns how many there are. */
size_t lsp_code_read(struct lsp_elf *e, uint64_t vaddr, void *buf, size_t bytes);

/* Whether @vaddr is where a signal handler returns to: "mov $15 (rt_sigreturn), eax; syscall". */
bool lsp_code_is_sigreturn(struct lsp_elf *e, uint64_t vaddr);

/*
 * Whether @vaddr is where the dynamic linker goes on when it has looked for the
 * function of a first call through the PLT (glibc's _dl_runtime_resolve): the
 * address found goes into r11, which a jump leads to soon after.
 */
bool lsp_code_is_binder(struct lsp_elf *e, uint64_t vaddr);

/* Whether @vaddr lies at the file's entry point (_start). */
bool lsp_code_is_entry(const struct lsp_elf *e, uint64_t vaddr);

/*
 * Whether code at the return address @vaddr was called by nobody: the entry
 * point, or what ends the thread as soon as the call returns.
 */
bool lsp_code_is_outermost(struct lsp_elf *e, uint64_t vaddr);

enum lsp_call_kind {
	LSP_CALL_NONE,		/* no call instruction ends there */
	LSP_CALL_DIRECT,	/* to @target */
	LSP_CALL_SLOT,		/* to where the pointer at @target points */
	LSP_CALL_INDIRECT,	/* through a register: anywhere */
};

/* The call that would return to @vaddr. *@target is a vaddr of @e. */
enum lsp_call_kind lsp_code_call_before(struct lsp_elf *e, uint64_t vaddr, uint64_t *target);

/* Whether code at @vaddr only jumps through a pointer (a PLT entry); *@slot is that pointer's vaddr. */
bool lsp_code_is_plt(struct lsp_elf *e, uint64_t vaddr, uint64_t *slot);

/* Whether the function in [start, end) jumps into [low, high]: a tail call. */
bool lsp_code_jumps(struct lsp_elf *e, uint64_t start, uint64_t end, uint64_t low, uint64_t high);

/* Whether the function at @start begins by making rbp its frame pointer. */
bool lsp_code_sets_frame(struct lsp_elf *e, uint64_t start);

/*
 * How many words below its return address the function at @start saved rbp (1:
 * the first push), 0 when its prologue does not push it or is not understood.
 */
unsigned int lsp_code_rbp_depth(struct lsp_elf *e, uint64_t start);

#endif
