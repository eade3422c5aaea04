/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for each lock and who releases it: sums by lock and site, of both sides. For a lock the releasers' sums
 * are blame; for what is no lock they are the time until their releases.
 */
#ifndef LSP_REPORT_PARTIES_H
#define LSP_REPORT_PARTIES_H

#include <stdbool.h>
#include <stddef.h>

#include "../../base/intern.h"
#include "../recording.h"

/* One site on one side of a lock. */
struct lsp_party {
	const char *site;
	double ns;
	double count;
	double rewaits;		/* of waiters: waits of threads that had been woken there just before */
	size_t lock;		/* the lock's number */
	bool releases;
};

struct lsp_parties {
	struct lsp_party *parties;	/* by lock; of a lock first its waiters; the greatest first */
	size_t n, room;
	size_t *first;			/* by the lock's number: its first party; then the end of the last */
	size_t nlocks;
	struct lsp_intern locks, sites, keys;
};

/* Strings belong to the recording or to the parties. 0 or -ENOMEM. */
int lsp_parties_create(const struct lsp_recording *r, struct lsp_parties *ret);
void lsp_parties_destroy(struct lsp_parties *p);

/* The waiters of the lock called @lock, or its releasers. Returns how many, and where they are. */
size_t lsp_parties_of(const struct lsp_parties *p, const char *lock, bool releases, const struct lsp_party **ret);

#endif
