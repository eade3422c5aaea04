/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for code: from an address in a file to functions, files and lines, the
 * inlined ones included. Built from the symbol table and from DWARF, each read
 * when it is first needed and only as far as it is needed.
 *
 * Lines and their strings live as long as the lsp_symbols, whatever becomes of
 * the file. Not thread-safe.
 */
#ifndef LSP_SYMBOL_SYMBOL_H
#define LSP_SYMBOL_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../elf/file.h"
#include "../trace.h"

struct lsp_symbols;

int lsp_symbols_create(struct lsp_symbols **ret);
void lsp_symbols_destroy(struct lsp_symbols *s);

/*
 * The functions that @vaddr of @e lies in, innermost inlined first, at least
 * one: where nothing is known it is "NAME+0xVADDR" with file "" and line 0.
 * @vaddr is inside the instruction, that is a return address less one. Split
 * DWARF (.dwo files) is not followed: such code has its symbol and its line,
 * and the cache's listener hears of it once per file.
 * 0 or -ENOMEM. The same address always gives the same pointer.
 */
int lsp_symbol_lines(struct lsp_symbols *s, struct lsp_elf *e, uint64_t vaddr,
		     const struct lsp_line **lines, size_t *n);

/*
 * One line made of what the caller knows of code without a file (a perf map's
 * name, an address); all strings are copied, NULL stands for "". 0 or -ENOMEM.
 */
int lsp_symbol_line(struct lsp_symbols *s, const struct lsp_line *line,
		    const struct lsp_line **ret);

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
