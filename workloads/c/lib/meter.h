/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one thread sees of one lock from outside: how long its calls of the lock function took, and how long it
 * held the lock. The program itself calls the lock function, between two calls of the meter, so its stack is
 * that of a program without a meter.
 */
#ifndef LIB_METER_H
#define LIB_METER_H

#include <stdbool.h>

#include "clock.h"

struct meter {
	bool on;		/* off: counts only, and does not read the clock */
	uint64_t threshold_ns;	/* calls at least this long are "long" */
	uint64_t acquisitions;
	uint64_t call_ns;	/* time in the lock function, with that of reading the clock */
	uint64_t long_calls;
	uint64_t long_call_ns;
	uint64_t max_call_ns;
	uint64_t held_ns;
	uint64_t locked_at_ns;
};

#define METER_INLINE static inline __attribute__((always_inline))

METER_INLINE uint64_t meter_locking(const struct meter *m)
{
	return m->on ? clock_now_ns() : 0;
}

METER_INLINE void meter_locked(struct meter *m, uint64_t locking_ns)
{
	uint64_t call_ns;

	m->acquisitions++;
	if (!m->on)
		return;
	m->locked_at_ns = clock_now_ns();
	call_ns = m->locked_at_ns - locking_ns;
	m->call_ns += call_ns;
	if (call_ns >= m->threshold_ns) {
		m->long_calls++;
		m->long_call_ns += call_ns;
	}
	if (call_ns > m->max_call_ns)
		m->max_call_ns = call_ns;
}

METER_INLINE void meter_unlocking(struct meter *m)
{
	if (m->on)
		m->held_ns += clock_now_ns() - m->locked_at_ns;
}

/* Adds what @from saw to @to, for totals. */
void meter_add(struct meter *to, const struct meter *from);

#endif
