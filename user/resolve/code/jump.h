/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The jumps in a stretch of machine code that lead out of it: what a function
 * may have tail-called where DWARF does not say. Read at every byte, not at
 * every instruction, so nothing is missed and some of it is not real: what
 * leads nowhere sensible is to be dropped by the caller. x86-64.
 */
#ifndef LSP_CODE_JUMP_H
#define LSP_CODE_JUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "../elf/file.h"

enum lsp_jump_kind {
	LSP_JUMP_DIRECT,	/* to @target */
	LSP_JUMP_SLOT,		/* to where the pointer at @target points */
	LSP_JUMP_CALL,		/* a call of @target, told of to be confirmed */
};

/*
 * @vaddr: of the jump. Returns 1 when a function begins at @target: then the
 * bytes are taken for that instruction and not looked at again; 0 when none
 * does; a negative errno ends the scan.
 */
typedef int (*lsp_jump_fn)(void *arg, enum lsp_jump_kind kind, uint64_t vaddr, uint64_t target);

/*
 * Scans [@start, @end). *@indirect: there may be a jump through a register or a
 * table. 0, -ENOENT where the code cannot be read or is too long, or what @fn
 * returned.
 */
int lsp_jump_scan(struct lsp_elf *e, uint64_t start, uint64_t end, lsp_jump_fn fn, void *arg,
		  bool *indirect);

/*
 * When the call before @ra goes through a register: tells of each address in
 * [@start, @end) that is put into that register by its distance from there, the
 * address itself (DIRECT) or what the pointer at it points to (SLOT).
 * 0, -ENOENT, -ENOMEM or what @fn returned below 0.
 */
int lsp_jump_loads(struct lsp_elf *e, uint64_t start, uint64_t end, uint64_t ra, lsp_jump_fn fn,
		   void *arg);

#endif
