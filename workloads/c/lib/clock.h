/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock of all measurements: CLOCK_MONOTONIC, as in the profiles. */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* Returns what an empty pair of clock_now_ns() shows, in ns: the median of many pairs. */
uint64_t clock_overhead_ns(void);

/* Sleeps without a futex. A signal does not shorten the sleep. */
void clock_sleep_ns(uint64_t ns);

#endif
