/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The jumps in a stretch of machine code that lead out of it: what a function
 * may have tail-called where DWARF does not say. Read at every byte, not at
 * every instruction, so nothing is missed and some of it is not real: what
 * leads nowhere sensible is to be dropped by the caller. x86-64.
 */
#ifndef LSP_RESOLVE_JUMP_H
#define LSP_RESOLVE_JUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"

/*
 * @vaddr: of the jump. @target: where it leads, or with @slot the vaddr of the
 * pointer that it goes through. Anything but 0 ends the scan.
 */
typedef int (*lsp_jump_fn)(void *arg, uint64_t vaddr, uint64_t target, bool slot);

/*
 * Scans [@start, @end). *@indirect: there may be a jump through a register or a
 * table. 0, -ENOENT where the code cannot be read or is too long, or what @fn
 * returned.
 */
int lsp_jump_scan(struct lsp_elf *e, uint64_t start, uint64_t end, lsp_jump_fn fn, void *arg,
		  bool *indirect);

#endif
