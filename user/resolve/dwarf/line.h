/* SPDX-License-Identifier: GPL-2.0-only */
/* Source lines of a compilation unit, and the names and lines of one entry of DWARF. */
#ifndef LSP_DWARF_LINE_H
#define LSP_DWARF_LINE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Finds the file and the line of @vaddr in the unit's line table. Where the compiler gave no line
 * (0), the nearest row before it with the same file counts, but no row before @low. Returns false,
 * and sets nothing, if the table has nothing. *@file belongs to the Dwarf.
 */
bool lsp_line_find(Dwarf_Die *unit, uint64_t vaddr, uint64_t low, const char **file,
		   uint32_t *line);

/* Finds where the inlined function @die was called, by the unit's file table. */
bool lsp_line_call(Dwarf_Die *unit, Dwarf_Die *die, const char **file, uint32_t *line);

/* Returns the line on which the function @die was declared, 0 if it is not known. */
uint32_t lsp_line_declared(Dwarf_Die *die);

/*
 * The linker's name of a function or variable, found through its abstract origin or specification;
 * and its plain name. NULL: it has none.
 */
const char *lsp_line_linkage(Dwarf_Die *die);
const char *lsp_line_name(Dwarf_Die *die);

/*
 * Returns the malloc'ed name with its namespaces and classes, as in "a::b::c", for a function or a
 * variable that has no linkage name. NULL: it has no name, or no memory. This is slow, because it
 * walks the unit.
 */
char *lsp_line_scoped_name(Dwarf_Die *die);

#endif
