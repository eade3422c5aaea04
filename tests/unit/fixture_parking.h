/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulation of locks on which each thread sleeps on a word of its own, and
 * what their waits truly were. It draws its numbers by the Mersenne twister
 * that Python has, so that the figures in tests can be had with other tools.
 */
#ifndef TESTS_UNIT_FIXTURE_PARKING_H
#define TESTS_UNIT_FIXTURE_PARKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../user/collect/roles/waits.h"

struct parking {
	int threads;
	int locks;
	bool fair;		/* the woken thread owns the lock at once; else others may take it in passing */
	bool nested;		/* every other time two locks are taken, the lower number first */
	double slow_s, fast_s;	/* holds of thread 0, and of the others */
	double wake_s;		/* until a woken thread runs */
	bool own_sites;		/* each lock has code of its own; else all have the same */
};

struct parked {
	struct lsp_wait *waits;	/* in order of enq_ns; the key is the thread's */
	int *locks;		/* of each wait */
	size_t n;
	double truth;		/* thread 0's share of all that others waited while the lock was held, percent */
};

/* Each thread takes its locks 300 times, or @rounds times. */
void parking_run(const struct parking *p, uint32_t seed, struct parked *ret);
void parking_run_rounds(const struct parking *p, uint32_t seed, int rounds, struct parked *ret);
void parked_uninit(struct parked *p);

/* The twister by itself: numbers from 0 to below 1, and whole ones below @n. */
void twister_seed(uint32_t seed);
double twister_random(void);
uint32_t twister_below(uint32_t n);

#endif
