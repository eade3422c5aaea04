/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lock for a few dozen instructions, taken only by threads whose signals are blocked. It holds
 * the number of the image (thread.c) that took it. A lock that a child process has inherited as taken counts
 * as free, because the thread that took it does not exist in the child.
 */
#ifndef LSP_PRELOAD_SPIN_H
#define LSP_PRELOAD_SPIN_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* After so many yields the holder may be a thread of lower priority, which runs only when this one sleeps. */
#define LSP_SPIN_YIELDS 64
#define LSP_SPIN_SLEEP_NS 20000

/* @image is not 0. */
static inline void lsp_spin_take(uint32_t *busy, uint32_t image)
{
	const struct timespec nap = { 0, LSP_SPIN_SLEEP_NS };
	uint32_t old = 0;

	for (int i = 0; !__atomic_compare_exchange_n(busy, &old, image, false, __ATOMIC_ACQUIRE,
						     __ATOMIC_RELAXED); i++) {
		if (old != image)
			continue;
		old = 0;
		if (i < LSP_SPIN_YIELDS)
			sched_yield();
		else
			syscall(SYS_nanosleep, &nap, NULL);
	}
}

static inline void lsp_spin_give(uint32_t *busy)
{
	__atomic_store_n(busy, 0, __ATOMIC_RELEASE);
}

#endif
