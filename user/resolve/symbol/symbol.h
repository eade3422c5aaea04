/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names code: finds the functions, files and lines for an address in a file, inlined functions
 * included. The names come from the symbol table and from DWARF, which are read when they are first
 * needed, and only as far as they are needed. Lines and their strings live as long as the
 * lsp_symbols, even if the file is closed. Not thread-safe.
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
 * Finds the functions that @vaddr of @e lies in, innermost inlined first, at least one. If nothing
 * is known, it is "NAME+0xVADDR" with the file "" and the line 0. @vaddr lies within the
 * instruction, so it is a return address less one. Split DWARF (.dwo files) is not followed: such
 * code has its symbol and its line, and the cache's listener is told once per file. Returns 0 or
 * -ENOMEM. One address always gives the same pointer.
 */
int lsp_symbol_lines(struct lsp_symbols *s, struct lsp_elf *e, uint64_t vaddr,
		     const struct lsp_line **lines, size_t *n);

/*
 * Makes one line of what the caller knows of code without a file (a name from a perf map, an
 * address). All strings are copied; NULL stands for "". Returns 0 or -ENOMEM.
 */
int lsp_symbol_line(struct lsp_symbols *s, const struct lsp_line *line,
		    const struct lsp_line **ret);

#endif
