/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads a clock, for all programs of the tests. */
#ifndef LSP_TESTS_CLOCK_H
#define LSP_TESTS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Returns the time of @clock in ns. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

#endif
