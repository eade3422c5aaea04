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

#endif
