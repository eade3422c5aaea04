/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time of each queue: whom its ledger blames for each moment, and how many waited then.
 */
#ifndef LSP_COLLECT_ROOTS_TIMES_H
#define LSP_COLLECT_ROOTS_TIMES_H

#include "events.h"

/* In place of a release. */
#define LSP_TIMES_HANDOFF (LSP_INDEX_NONE - 1)
#define LSP_TIMES_GIVEN_UP (LSP_INDEX_NONE - 2)

/* From the end of the segment before it to @end_ns the queue's holder was the one of @release. */
struct lsp_times_segment {
	uint64_t end_ns;
	uint32_t release;
};

/* A waiter came, or left; @before_ns: the sum of the times of the queue's changes of this kind before it. */
struct lsp_times_change {
	uint64_t at_ns;
	uint64_t before_ns;
};

/* Those of one group are together, in order of time. */
struct lsp_times {
	uint32_t groups;
	uint64_t begin_ns;		/* no event is before it */
	struct lsp_times_segment *segments;
	uint32_t *segment_first;	/* by group, and one more */
	size_t nsegments;
	size_t segments_room;
	struct lsp_times_change *come;
	struct lsp_times_change *leave;
	uint32_t *wait_first;		/* by group: its first change in both arrays, and one more */
	uint64_t *cut_ns;		/* by release: from when on it is charged; its own time: it is charged with nothing */
};

/* Runs the ledger of each group over @e, whose waits are in order of span. 0 or -ENOMEM. */
int lsp_times_create(const struct lsp_root_events *e, uint32_t groups, struct lsp_times *ret);
void lsp_times_destroy(struct lsp_times *t);

/* What all that waited in @group waited together from @from_ns to @to_ns, as far as its ledger distributes it. */
uint64_t lsp_times_waited_ns(const struct lsp_times *t, uint32_t group, uint64_t from_ns, uint64_t to_ns);

/* The first segment of @group that ends after @at_ns; those of the group end at t->segment_first[@group + 1]. */
uint32_t lsp_times_segment(const struct lsp_times *t, uint32_t group, uint64_t at_ns);

#endif
