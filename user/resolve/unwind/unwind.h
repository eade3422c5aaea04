/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the addresses of the frames of a captured stack. */
#ifndef LSP_UNWIND_UNWIND_H
#define LSP_UNWIND_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../maps/maps.h"
#include "walk.h"

/* How much work was done so far, for tests and measurements. */
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
 * Walks @stack, which is followed by its payload, with the mappings @set (NULL: none are known).
 * The result is never NULL, and is valid until the next call. Its end is COMPLETE only if a row of
 * call frame information says that the frame is the outermost one, or if a chain of frame pointers
 * ends in 0.
 */
const struct lsp_walk *lsp_unwind(struct lsp_unwinder *u, struct lsp_mapset *set,
				  const struct lockspan_stack *stack);

/* The same by libdwfl alone, for comparison. */
const struct lsp_walk *lsp_unwind_dwfl(struct lsp_unwinder *u, struct lsp_mapset *set,
				       const struct lockspan_stack *stack);

/*
 * Writes at most @max rules to @rules, by which the module can walk @stack itself: one for each
 * frame that is left by plain call frame information of code in a file. Returns their number.
 */
size_t lsp_unwind_rules(struct lsp_unwinder *u, struct lsp_mapset *set,
			const struct lockspan_stack *stack, struct lockspan_rule *rules, size_t max);

const struct lsp_unwind_counts *lsp_unwinder_counts(const struct lsp_unwinder *u);

#endif
