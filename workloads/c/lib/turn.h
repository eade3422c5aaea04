/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving others a turn. A thread that unlocks and locks again at once hardly
 * ever lets a woken waiter in: where waking takes long, each thread would run
 * to its end alone.
 */
#ifndef LIB_TURN_H
#define LIB_TURN_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Yields the CPU until *@progress has moved, by another thread, or *@at_work is
 * at most 1, or ten milliseconds have passed: on a machine that is busy with
 * something else it must end.
 */
void turn_give(const uint64_t *progress, const atomic_uint *at_work);

/* How the one who holds the lock moves it. */
static inline void turn_progress(uint64_t *progress)
{
	__atomic_store_n(progress, *progress + 1, __ATOMIC_RELAXED);
}

#endif
