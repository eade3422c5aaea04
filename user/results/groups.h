/* SPDX-License-Identifier: GPL-2.0-only */
/* A collector's rows, grouped by lock or by stack, with what each group comes to. */
#ifndef LSP_RESULTS_GROUPS_H
#define LSP_RESULTS_GROUPS_H

#include <stddef.h>

#include "../collect/collector.h"

enum lsp_grouping { LSP_GROUP_LOCK, LSP_GROUP_STACK };

struct lsp_group {
	const char *lock;		/* one of them, when grouped by stack */
	const struct lsp_trace *trace;	/* one of them, when grouped by lock */
	enum lsp_sync sync;		/* of the longest-waiting part */
	struct lsp_estimate block;
	struct lsp_estimate mutex;	/* releases that the mutex profile has */
	double handoff_ns;
	double tail_ns;			/* by lock: without what releases answered for; by stack: all that its waits left */
	struct lsp_estimate given_up;	/* by lock: waits of the tail, as the mutex profile has them */

	double sync_ns;			/* what sync was chosen by */
};

struct lsp_groups {
	struct lsp_group *groups;	/* descending by block and mutex delay together */
	size_t n;
};

/* 0 or -ENOMEM. Strings and traces belong to the collector. */
int lsp_groups_create(const struct lsp_collector *c, enum lsp_grouping by, struct lsp_groups *ret);
void lsp_groups_destroy(struct lsp_groups *g);

#endif
