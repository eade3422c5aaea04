/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the frames that tail calls have taken off the stack. (The tail of a wait is something else.) */
#ifndef LSP_SYMBOL_TAIL_H
#define LSP_SYMBOL_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol.h"

/* A frame that a tail call took off the stack; to be marked as guessed. */
struct lsp_tail {
	struct lsp_elf *elf;		/* its file; if only the function's name is known, the file that calls it */
	uint64_t vaddr;			/* vaddr of the jump, or near it; another one for each frame, never 0 */
	const struct lsp_line *lines;
	size_t nlines;
};

#define LSP_TAIL_MAX 8

/*
 * Finds the functions that are missing between the call at @call_vaddr (return address less one) of
 * @caller and the next inner frame, which is at @callee_vaddr of @callee. They left the stack by
 * tail calls. They are given with the one nearest to the callee first. Returns how many there are,
 * or -ENOMEM. Returns 0 if the call leads to the callee, or if it is not known where it leads.
 *
 * The function that the call instruction names has certainly run; it is the last one given. The
 * others are given if DWARF (or the machine code, if DWARF says nothing) shows exactly one way from
 * that function to the callee, and if none of them jumps to a place that neither knows. Otherwise
 * *@ambiguous is true, and there may be more functions between.
 *
 * This also finds the public name that the stack of a stripped library lacks: pthread_mutex_unlock
 * jumps to a function without a name. If the caller's frame was guessed, do not use an ambiguous
 * result.
 */
int lsp_symbol_tail_callers(struct lsp_symbols *s, struct lsp_elf *caller, uint64_t call_vaddr,
			    struct lsp_elf *callee, uint64_t callee_vaddr,
			    struct lsp_tail ret[LSP_TAIL_MAX], bool *ambiguous);

#endif
