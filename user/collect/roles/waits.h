/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits one by one, each with the release that ended it, and the moments that
 * they are made of in order of time. What follows from their order (chains,
 * charges, roles) is computed on these.
 */
#ifndef LSP_COLLECT_WAITS_H
#define LSP_COLLECT_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/index.h"

/* A thread that waits again so soon after it ran was woken for nothing: it did not get what it waited for. */
#define LSP_BACK_NS 10000

struct lsp_wait {
	uint64_t key;
	uint64_t enq_ns;
	uint64_t wake_ns;	/* 0: nobody ended it */
	uint64_t late_ns;	/* when a release reached it that had left already; 0: none did */
	uint64_t run_ns;
	uint32_t tid;
	uint32_t by;		/* the releaser, where there is one */
	uint32_t site;		/* of the waiter's code, and of the releaser's; LSP_INDEX_NONE: not known */
	uint32_t by_site;
	uint32_t span;		/* the owner's numbers for the two records; LSP_INDEX_NONE: no release */
	uint32_t release;
	bool gives_up;		/* a timer, a signal or a stray wake-up ended its sleep */
	uint32_t group;		/* the queue that it is in: a word's or a virtual key's */

	/* What the ledger of its group says (charges.h). */
	uint64_t hold_ns;	/* its release is charged with, */
	uint64_t carried_ns;	/* of it: tails of waits that had left before, */
	uint64_t closed_ns;	/* and ended as transit time */
	uint64_t handoff_ns;	/* transit time that its own enq and run ended */
	uint64_t tail_ns;
	bool carried;		/* a later release answers for tail_ns, or it is given up */
	uint32_t left;		/* waiters that its release left in the queue */

	/* What came after it (evidence.h). */
	bool back;		/* the thread waited in the group again at once, */
	uint64_t again_ns;	/* or at this time; 0: never */
	bool gave;		/* or made a release there first */
};

/* Whether the thread of @before began @w at once when it ran again. */
static inline bool lsp_wait_is_back(const struct lsp_wait *before, const struct lsp_wait *w)
{
	return w->enq_ns >= before->run_ns && w->enq_ns - before->run_ns < LSP_BACK_NS;
}

enum lsp_moment_kind {
	LSP_MOMENT_ENQ_FIRST,	/* of a wait without length: before its own end */
	LSP_MOMENT_WAKE,	/* late releases too */
	LSP_MOMENT_RUN,		/* of a wait that nobody ended: it leaves */
	LSP_MOMENT_ENQ,
};

struct lsp_moment {
	uint64_t time_ns;
	uint32_t wait;
	uint32_t kind;		/* at one time in this order */
};

/* All moments of the @n @waits in order of time; to be freed. NULL: no memory. */
struct lsp_moment *lsp_moments_create(const struct lsp_wait *waits, size_t n, size_t *n_ret);

#endif
