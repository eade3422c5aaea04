/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a program that can be replayed of recorded waits and releases: what each thread took, how long it had it, and
 * what lay in between. Locks that were taken or released without the kernel are seen only by what they leave behind,
 * and the length of such holds is taken from those that were seen.
 */
#ifndef LSP_WHATIF_ROUNDS_H
#define LSP_WHATIF_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay.h"

struct lsp_whatif_wait {
	uint64_t enq_ns;
	uint64_t wake_ns;	/* 0: nobody woke it */
	uint64_t run_ns;
	uint32_t thread;
	uint32_t lock;
	uint32_t site;
	bool again;		/* the thread was woken on this lock just before */
	bool open;		/* it had not ended */
};

struct lsp_whatif_release {
	uint64_t time_ns;
	uint32_t thread;
	uint32_t lock;
	uint32_t site;
};

/* All numbers of threads, locks and sites are dense. */
struct lsp_whatif_recorded {
	struct lsp_whatif_wait *waits;
	size_t nwaits, waits_room;
	struct lsp_whatif_release *releases;
	size_t nreleases, releases_room;
	size_t nthreads, nlocks, nsites;
};

void lsp_whatif_recorded_uninit(struct lsp_whatif_recorded *r);

/* What was recorded of one lock. */
struct lsp_whatif_lock {
	uint64_t first_ns, last_ns;	/* when it was first and last waited for */
	double waiting_ns;		/* of waits that a release ended */
	double unended_ns;		/* of the others */
	uint64_t waits;
	uint64_t seen, guessed;		/* holds whose begin was seen, and those of which only the release was */
};

/* Fills @ret but for fair, and @locks, one for each lock. Returns 0 or -ENOMEM. */
int lsp_whatif_rounds(const struct lsp_whatif_recorded *r, struct lsp_whatif_program *ret, struct lsp_whatif_lock *locks);

#endif
