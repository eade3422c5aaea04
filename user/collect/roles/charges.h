/* SPDX-License-Identifier: GPL-2.0-only */
/* Blame on virtual keys: the module's own ledger, run over the waits of each group. */
#ifndef LSP_COLLECT_CHARGES_H
#define LSP_COLLECT_CHARGES_H

#include "waits.h"

/*
 * Is told each moment when it has been booked. @cut_ns, @held: the ledger's cut and state
 * before it. A return value other than 0 ends it all.
 */
struct lsp_charges_watch {
	int (*moment)(void *arg, const struct lsp_moment *m, uint64_t cut_ns, bool held);
	void *arg;
};

/* Tails that were carried and then given up. */
struct lsp_given {
	uint64_t wait_ns;
	uint32_t waits;
};

/*
 * Sets the charges of the @n @waits, whose groups are below @groups. Over them all
 * hold_ns + closed_ns + handoff_ns + tail_ns - carried_ns is what they waited. @given
 * gets for each group what no release answers for; it may be NULL, and so may @watch. 0 or -ENOMEM, or what @watch
 * returns.
 */
int lsp_charges_find(struct lsp_wait *waits, size_t n, uint32_t groups, struct lsp_given *given,
		     const struct lsp_charges_watch *watch);

#endif
