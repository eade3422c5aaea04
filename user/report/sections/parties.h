/* SPDX-License-Identifier: GPL-2.0-only */
/* Who waits for each lock and who releases it: sums by lock and site. */
#ifndef LSP_REPORT_PARTIES_H
#define LSP_REPORT_PARTIES_H

#include <stddef.h>

#include "../../base/intern.h"
#include "../recording.h"

/* A name may stand for several things, as that of memory that an object's parts share: one of them a lock, others not. */
enum lsp_party_side {
	LSP_PARTY_WAITS,
	LSP_PARTY_BLAMED,	/* releases of locks; ns is blame */
	LSP_PARTY_OTHER,	/* other releases; ns is the time until them */
};

/* One site on one side of a lock. */
struct lsp_party {
	const char *site;
	double ns;
	double count;
	double rewaits;		/* of waiters: waits of threads that had been woken there just before */
	size_t lock;		/* the lock's number */
	enum lsp_party_side side;
};

struct lsp_parties {
	struct lsp_party *parties;	/* by lock; of a lock by side; the greatest first */
	size_t n, room;
	size_t *first;			/* by the lock's number: its first party; then the end of the last */
	size_t nlocks;
	struct lsp_intern locks, sites, keys;
};

/* Strings belong to the recording or to the parties. 0 or -ENOMEM. */
int lsp_parties_create(const struct lsp_recording *r, struct lsp_parties *ret);
void lsp_parties_destroy(struct lsp_parties *p);

/* One side of the lock called @lock. Returns how many sites are there, and where they are. */
size_t lsp_parties_of(const struct lsp_parties *p, const char *lock, enum lsp_party_side side,
		      const struct lsp_party **ret);

#endif
