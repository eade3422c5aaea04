/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks over the entries of DWARF below one of them. It ends on any input, because it goes strictly
 * forward in the file, is limited in depth, and does not recurse, as several functions of libdw do.
 */
#ifndef LSP_DWARF_DIE_WALK_H
#define LSP_DWARF_DIE_WALK_H

#include <elfutils/libdw.h>
#include <stdint.h>

enum lsp_walk_next {
	LSP_WALK_DOWN,		/* go on with the children */
	LSP_WALK_ON,		/* skip the children */
	LSP_WALK_STOP,
};

/*
 * Called for every entry. @parent is the value that the visit of the parent entry left in *@own;
 * for the children of the root it is @top. A negative errno ends the walk.
 */
typedef int (*lsp_walk_visit)(void *arg, Dwarf_Die *die, uint32_t parent, uint32_t *own);

/*
 * Visits the entries below @root, in the file's order. Returns 0 or the negative errno of a visit.
 */
int lsp_walk(Dwarf_Die *root, uint32_t top, lsp_walk_visit visit, void *arg);

#endif
