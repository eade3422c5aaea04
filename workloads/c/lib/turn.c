// SPDX-License-Identifier: GPL-2.0-only
/* Waits for another thread to make progress, without a futex. */
#include "turn.h"

#include <sched.h>

#include "clock.h"

#define TURN_NS 10000000U

void turn_give(const uint64_t *progress, const atomic_uint *at_work)
{
	uint64_t seen = __atomic_load_n(progress, __ATOMIC_RELAXED);
	uint64_t end_ns = clock_now_ns() + TURN_NS;

	while (__atomic_load_n(progress, __ATOMIC_RELAXED) == seen && atomic_load(at_work) > 1 &&
	       clock_now_ns() < end_ns)
		sched_yield();
}
