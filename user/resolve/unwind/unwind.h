/* SPDX-License-Identifier: GPL-2.0-only */
/* From a captured stack to the addresses of its frames. */
#ifndef LSP_UNWIND_UNWIND_H
#define LSP_UNWIND_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../maps/maps.h"
#include "walk.h"

/* Work done so far; for tests and for the curious. */
struct lsp_unwind_counts {
	uint64_t stacks;
	uint64_t frames;
	uint64_t cached;	/* frames whose rule was in the cache */
	uint64_t guessed;
	uint64_t handed_over;	/* stacks that libdwfl walked */
};

struct lsp_unwinder;

/* @maps must outlive it. 0 or -ENOMEM. */
int lsp_unwinder_create(struct lsp_maps *maps, struct lsp_unwinder **ret);
void lsp_unwinder_destroy(struct lsp_unwinder *u);

/*
 * Walks @stack, whose payload lies behind it, with the mappings @set (NULL:
 * none are known). The result is never NULL and holds until the next call. Its
 * end is COMPLETE only when a row of call frame information says that the frame
 * is the outermost, or when a chain of frame pointers ends in 0.
 */
const struct lsp_walk *lsp_unwind(struct lsp_unwinder *u, struct lsp_mapset *set,
				  const struct lockspan_stack *stack);

/* The same by libdwfl, whatever the rules; for comparison. */
const struct lsp_walk *lsp_unwind_dwfl(struct lsp_unwinder *u, struct lsp_mapset *set,
				       const struct lockspan_stack *stack);

/*
 * How the walk of @stack got from frame to frame, as the module can do it: at
 * most @max rules to @rules, one a frame, for frames that plain call frame
 * information of a file's own code leads on from. Their number.
 */
size_t lsp_unwind_rules(struct lsp_unwinder *u, struct lsp_mapset *set,
			const struct lockspan_stack *stack, struct lockspan_rule *rules, size_t max);

const struct lsp_unwind_counts *lsp_unwinder_counts(const struct lsp_unwinder *u);

#endif
