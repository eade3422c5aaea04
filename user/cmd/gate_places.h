/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the waiting, or the blame, of both sides of lockspan gate is: by lock and calling function.
 */
#ifndef LSP_CMD_GATE_PLACES_H
#define LSP_CMD_GATE_PLACES_H

#include <stdio.h>

#include "../capture/span.h"
#include "../base/intern.h"
#include "../profile/pprof.h"

struct lsp_gate_place {
	const char *lock;
	const char *site;	/* the program's function that waits or releases */
	enum lsp_sync sync;
	double delay_ns[2];	/* sum over all runs of a side */
};

/* With all fields zero except the names, it is empty. */
struct lsp_gate_places {
	struct lsp_intern names, keys;
	struct lsp_gate_place *places;
	size_t n, room;
};

void lsp_gate_places_init(struct lsp_gate_places *p);
void lsp_gate_places_uninit(struct lsp_gate_places *p);

/* Adds to a place. Returns 0 or -ENOMEM. */
int lsp_gate_places_add(struct lsp_gate_places *p, const struct lsp_profile *profile,
			const struct lsp_profile_sample *s, enum lsp_sync sync, int side);

/*
 * Finds the lock whose delay has grown most, where each side is divided by its @divisor, and of
 * this lock's sites the one whose delay has grown most. Only waits of the @classes count; 0: only
 * those for @lock. Returns false if no delay has grown.
 */
bool lsp_gate_places_worst(const struct lsp_gate_places *p, unsigned int classes, const char *lock,
			   const double divisor[2], struct lsp_gate_place *ret);

/*
 * Returns the site with the most for @lock on a side, and its share in @share_ret. NULL: no site
 * has anything.
 */
const char *lsp_gate_places_most(const struct lsp_gate_places *p, const char *lock, int side,
				 double *share_ret);

/* Writes the names of at most five locks of a side, the longest-waited first. */
void lsp_gate_places_locks(const struct lsp_gate_places *p, int side, FILE *to);

#endif
