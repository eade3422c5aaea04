/* SPDX-License-Identifier: GPL-2.0-only */
/* Source lines of a compilation unit, and facts about one entry of DWARF. */
#ifndef LSP_DWARF_LINE_H
#define LSP_DWARF_LINE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The file and line of @vaddr by the unit's line table. Where the compiler gave
 * no line (0), that of the nearest row of the same file before it, but not
 * before @low. False, and nothing set, where the table has nothing. *@file
 * belongs to the Dwarf.
 */
bool lsp_line_find(Dwarf_Die *unit, uint64_t vaddr, uint64_t low, const char **file,
		   uint32_t *line);

/* Where the inlined function @die was called from, in the unit's file table. */
bool lsp_line_call(Dwarf_Die *unit, Dwarf_Die *die, const char **file, uint32_t *line);

/* The line on which the function @die was declared; 0 unknown. */
uint32_t lsp_line_declared(Dwarf_Die *die);

/*
 * The linker's name of a function or variable, or NULL, found through its
 * abstract origin or specification; and its plain name, or NULL.
 */
const char *lsp_line_linkage(Dwarf_Die *die);
const char *lsp_line_name(Dwarf_Die *die);

/*
 * The name with its namespaces and classes before it, as in "a::b::c",
 * malloc'ed; for a function or a variable that has no linkage name. NULL: it
 * has no name, or no memory. Walks the unit: slow.
 */
char *lsp_line_scoped_name(Dwarf_Die *die);

#endif
