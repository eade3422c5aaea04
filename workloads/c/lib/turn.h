/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gives others a turn. A thread that unlocks and at once locks again hardly ever lets a woken waiter in. Where
 * waking takes long, each thread would run to its end alone.
 */
#ifndef LIB_TURN_H
#define LIB_TURN_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Yields the CPU until another thread has moved *@progress, or *@at_work is at most 1, or ten milliseconds have
 * passed. The time limit is for a machine that is busy with something else.
 */
void turn_give(const uint64_t *progress, const atomic_uint *at_work);

/* The holder of the lock moves *@progress in this way. */
static inline void turn_progress(uint64_t *progress)
{
	__atomic_store_n(progress, *progress + 1, __ATOMIC_RELAXED);
}

#endif
