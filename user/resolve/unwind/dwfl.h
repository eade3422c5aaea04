/* SPDX-License-Identifier: GPL-2.0-only */
/* A captured stack walked by libdwfl: slow, but it knows every form of rule. */
#ifndef LSP_UNWIND_DWFL_H
#define LSP_UNWIND_DWFL_H

#include <stdbool.h>

#include "../maps/maps.h"
#include "snapshot.h"
#include "walk.h"

/*
 * Fills @walk with the frames that libdwfl finds. @walk->end stays as it is, because libdwfl calls
 * a cut stack complete, too. *@outside tells whether it asked for memory behind the snapshot.
 * Returns 0 or -errno.
 */
int lsp_dwfl_walk(struct lsp_maps *maps, struct lsp_mapset *set,
		  const struct lockspan_stack *stack, struct lsp_snapshot *snap,
		  struct lsp_walk *walk, bool *outside);

#endif
