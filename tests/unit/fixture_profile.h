/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small profile with everything in it: two mappings, an inlined frame, a
 * frame without an address, text and number labels, a comment. The tests of
 * user/profile share it, and `build/unit/test_pprof_write --files` writes it out
 * for tests/e2e/pprof-format.sh.
 */
#ifndef FIXTURE_PROFILE_H
#define FIXTURE_PROFILE_H

#include "../../user/profile/pprof.h"

#define FIXTURE_TIME_NS 1700000000000000000LL
#define FIXTURE_SAMPLES 5

struct fixture {
	struct lsp_profile *p;
	uint64_t lock;		/* pthread_mutex_lock, in libc */
	uint64_t worker;	/* crit inlined into worker, in the program */
	uint64_t handoff;	/* no address */
};

/*
 * @slide moves the mappings as another run would. @source is the program's
 * source file, absolute. Asserts that everything works.
 */
void fixture_create(struct fixture *f, uint64_t slide, const char *source);

/* Adds @count and @delay_ns under lock -> worker with the label lock=@lock. */
void fixture_sample(struct fixture *f, const char *lock, double count, double delay_ns);

/* The value of @type summed over all samples that carry lock=@lock (NULL: all). */
double fixture_sum(const struct lsp_profile *p, size_t type, const char *lock);

#endif
