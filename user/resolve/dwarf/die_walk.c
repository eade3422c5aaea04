/* SPDX-License-Identifier: GPL-2.0-only */
#include "die_walk.h"

#include <stdbool.h>
#include <stddef.h>

#define DEPTH_MAX 128

/* The state of one level: where the walk is on it, and what the visit of the parent entry left. */
struct level {
	Dwarf_Die die;
	uint32_t parent;
};

/* Goes to the next entry on this level, or on the nearest level above that has one. */
static bool go_on(struct level *levels, size_t *depth)
{
	while (dwarf_siblingof(&levels[*depth].die, &levels[*depth].die)) {
		if (!*depth)
			return false;
		(*depth)--;
	}
	return true;
}

int lsp_walk(Dwarf_Die *root, uint32_t top, lsp_walk_visit visit, void *arg)
{
	Dwarf_Off last = dwarf_dieoffset(root);
	struct level levels[DEPTH_MAX];
	size_t depth = 0;

	levels[0].parent = top;
	if (dwarf_child(root, &levels[0].die))
		return 0;
	while (dwarf_dieoffset(&levels[depth].die) > last) {
		struct level *l = &levels[depth];
		uint32_t own = l->parent;
		int next;

		last = dwarf_dieoffset(&l->die);
		next = visit(arg, &l->die, l->parent, &own);
		if (next < 0)
			return next;
		if (next == LSP_WALK_STOP)
			return 0;
		if (next == LSP_WALK_DOWN && depth + 1 < DEPTH_MAX &&
		    !dwarf_child(&l->die, &l[1].die)) {
			l[1].parent = own;
			depth++;
		} else if (!go_on(levels, &depth)) {
			return 0;
		}
	}
	return 0;
}
