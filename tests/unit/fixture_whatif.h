/* SPDX-License-Identifier: GPL-2.0-only */
/* Simulates a program whose threads contend for locks as the C library's do, and records what the kernel would see. */
#ifndef TESTS_UNIT_FIXTURE_WHATIF_H
#define TESTS_UNIT_FIXTURE_WHATIF_H

#include "../../user/whatif/rounds.h"

enum fixture_site { FIXTURE_LONG, FIXTURE_SHORT, FIXTURE_OTHER, FIXTURE_SITES };

/* Times are means, in us. */
struct fixture_subject {
	int threads, rounds;
	double think, hold, latency;
	enum { FIXTURE_ONE, FIXTURE_TWO, FIXTURE_NESTED } locks;	/* a second one after the first, or within its long holds */
	bool fair;
	double factor;		/* what is left of the long holds: 1 is all */
	uint64_t seed;
};

struct fixture_truth {
	double waiting_ns;
	double duration_ns;	/* from the first arrival */
};

/* Runs it. @record may be NULL. */
struct fixture_truth fixture_run(const struct fixture_subject *s, struct lsp_whatif_recorded *record);

#endif
