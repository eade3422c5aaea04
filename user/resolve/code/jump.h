/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the jumps that lead out of a stretch of machine code: what a function may have tail-called,
 * where DWARF does not tell. It looks at every byte, because it does not know where instructions
 * begin. So it misses no jump, but some that it finds are not real. The caller must drop those that
 * lead to no function. x86-64.
 */
#ifndef LSP_CODE_JUMP_H
#define LSP_CODE_JUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "../elf/file.h"

enum lsp_jump_kind {
	LSP_JUMP_DIRECT,	/* to @target */
	LSP_JUMP_SLOT,		/* to where the pointer at @target points */
	LSP_JUMP_CALL,		/* a call of @target; only used to tell where instructions begin */
};

/*
 * Called for each jump; @vaddr is its address. Returns 1 if a function begins at @target. Then
 * these bytes are taken for that instruction, and are not looked at again. Returns 0 if no function
 * begins there. A negative errno ends the scan.
 */
typedef int (*lsp_jump_fn)(void *arg, enum lsp_jump_kind kind, uint64_t vaddr, uint64_t target);

/*
 * Scans [@start, @end). *@indirect is set if there may be a jump through a register or a table.
 * Returns 0, -ENOENT if the code cannot be read or is too long, or what @fn returned.
 */
int lsp_jump_scan(struct lsp_elf *e, uint64_t start, uint64_t end, lsp_jump_fn fn, void *arg,
		  bool *indirect);

/*
 * For a call before @ra that goes through a register: reports each address in [@start, @end) that
 * is loaded into that register relative to rip, either the address itself (DIRECT) or the target of
 * the pointer at it (SLOT). Returns 0, -ENOENT, -ENOMEM or the negative errno that @fn returned.
 */
int lsp_jump_loads(struct lsp_elf *e, uint64_t start, uint64_t end, uint64_t ra, lsp_jump_fn fn,
		   void *arg);

#endif
