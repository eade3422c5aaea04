/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames that tail calls have taken off the stack. */
#ifndef LSP_SYMBOL_TAIL_H
#define LSP_SYMBOL_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol.h"

/* A frame that a tail call took off the stack; to be marked as guessed. */
struct lsp_tail {
	struct lsp_elf *elf;		/* its file; where only its name is known, the one that calls it */
	uint64_t vaddr;			/* of the jump in that file, or near it: unique to the frame, not 0 */
	const struct lsp_line *lines;
	size_t nlines;
};

#define LSP_TAIL_MAX 8

/*
 * The functions that are missing between the call at @call_vaddr (return
 * address less one) of @caller and the frame below it, which runs at
 * @callee_vaddr of @callee: those that left the stack by tail calls, nearest to
 * the callee first. Returns how many, 0 when the call leads to the callee or
 * where it leads is not known, or -ENOMEM.
 *
 * The function that the call instruction names is certain to have run: it is
 * the last one given. The others are given when DWARF (or, where that says
 * nothing, the machine code) shows exactly one way from it to the callee, and
 * none of them jumps to where neither can tell; if not, *@ambiguous is true
 * and there may be more between. This also gives the public name that
 * a stripped library's stack lacks: pthread_mutex_unlock jumps to a function
 * without a name. Where the caller's frame was itself guessed, take nothing
 * that is ambiguous.
 */
int lsp_symbol_tail_callers(struct lsp_symbols *s, struct lsp_elf *caller, uint64_t call_vaddr,
			    struct lsp_elf *callee, uint64_t callee_vaddr,
			    struct lsp_tail ret[LSP_TAIL_MAX], bool *ambiguous);

#endif
