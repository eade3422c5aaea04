/* SPDX-License-Identifier: GPL-2.0-only */
/* Groups a collector's rows by lock or by stack, with the sums of each group. */
#ifndef LSP_RESULTS_GROUPS_H
#define LSP_RESULTS_GROUPS_H

#include <stddef.h>

#include "../collect/collector.h"

enum lsp_grouping { LSP_GROUP_LOCK, LSP_GROUP_STACK };

struct lsp_group {
	const char *lock;		/* grouped by stack: one of the group's locks */
	const struct lsp_trace *trace;	/* grouped by lock: one of the group's stacks */
	enum lsp_sync sync;		/* the class of the row that waited longest */
	struct lsp_estimate block;
	struct lsp_estimate mutex;	/* the releases that are in the mutex profile */
	enum lsp_role role;		/* by lock: of the releases with most hold */
	struct lsp_evidence evidence;	/* by lock: what its events one by one have shown */
	double handoff_ns;
	double tail_ns;			/* by lock: without what releases were charged with later */
	struct lsp_estimate given_up;	/* by lock: the waits that were given up, which are in the mutex profile */

	double sync_ns;			/* the time by which sync was chosen */
	double role_ns;			/* the time by which role was chosen */
};

struct lsp_groups {
	struct lsp_group *groups;	/* descending by block and mutex delay together */
	size_t n;
};

/* The share of what was waited for a lock in which it was in transit, 0 to 1. */
static inline double lsp_group_handoff(const struct lsp_group *g)
{
	return g->block.delay_ns > 0 ? g->handoff_ns / g->block.delay_ns : 0;
}

/* 0 or -ENOMEM. Strings and traces belong to the collector. */
int lsp_groups_create(const struct lsp_collector *c, enum lsp_grouping by, struct lsp_groups *ret);
void lsp_groups_destroy(struct lsp_groups *g);

#endif
