// SPDX-License-Identifier: GPL-2.0-only
/* Clock helpers that are not worth inlining. */
#include "clock.h"

#include <errno.h>
#include <stdlib.h>

#define PAIRS 1001

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t clock_overhead_ns(void)
{
	uint64_t pairs[PAIRS];
	int i;

	for (i = 0; i < PAIRS; i++) {
		uint64_t before = clock_now_ns();

		pairs[i] = clock_now_ns() - before;
	}
	qsort(pairs, PAIRS, sizeof(pairs[0]), compare);
	return pairs[PAIRS / 2];
}

void clock_sleep_ns(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000U),
		.tv_nsec = (long)(ns % 1000000000U),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}
