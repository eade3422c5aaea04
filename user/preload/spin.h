/* SPDX-License-Identifier: GPL-2.0-only */
/* A lock for a few dozen instructions, taken only by threads that turn their signal handlers away. */
#ifndef LSP_PRELOAD_SPIN_H
#define LSP_PRELOAD_SPIN_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* After so many yields the holder is taken for a thread of lower priority, which runs only when we sleep. */
#define LSP_SPIN_YIELDS 64
#define LSP_SPIN_SLEEP_NS 20000

static inline void lsp_spin_take(uint32_t *busy)
{
	const struct timespec nap = { 0, LSP_SPIN_SLEEP_NS };

	for (int i = 0; __atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE); i++) {
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
