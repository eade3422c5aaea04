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
 * Makes the profile. @slide moves its mappings, as in another run. @source is the program's source file, with
 * its absolute path. Asserts that everything works.
 */
void fixture_create(struct fixture *f, uint64_t slide, const char *source);

/* Adds a sample of @count and @delay_ns, with the stack lock -> worker and the label lock=@lock. */
void fixture_sample(struct fixture *f, const char *lock, double count, double delay_ns);

/* Returns the value of @type, summed over all samples with the label lock=@lock (NULL: over all samples). */
double fixture_sum(const struct lsp_profile *p, size_t type, const char *lock);

#endif
