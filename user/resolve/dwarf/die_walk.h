/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk over the entries of DWARF below one of them. Ends on any input: it
 * goes strictly forward in the file and is bounded in depth, and it does not
 * recurse, as several functions of libdw do.
 */
#ifndef LSP_DWARF_DIE_WALK_H
#define LSP_DWARF_DIE_WALK_H

#include <elfutils/libdw.h>
#include <stdint.h>

enum lsp_walk_next {
	LSP_WALK_DOWN,		/* to the children, then on */
	LSP_WALK_ON,		/* past the children */
	LSP_WALK_STOP,
};

/*
 * Called for every entry reached. @parent is what the visit of the entry above
 * left in *@own (the walk's root gives @top); a negative errno ends the walk.
 */
typedef int (*lsp_walk_visit)(void *arg, Dwarf_Die *die, uint32_t parent, uint32_t *own);

/* Visits what is below @root, in the file's order. 0 or what a visit returned. */
int lsp_walk(Dwarf_Die *root, uint32_t top, lsp_walk_visit visit, void *arg);

#endif
