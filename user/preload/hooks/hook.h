/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of hooks share. Each hook is the leaf of the stacks it records, so nothing is inlined into it that has a name. */
#ifndef LSP_PRELOAD_HOOK_H
#define LSP_PRELOAD_HOOK_H

#include <errno.h>
#include <stdbool.h>

#include "real.h"
#include "../blocking.h"

#define LSP_HOOK __attribute__((visibility("default")))

/*
 * The blocking @call by a thread whose attempt has failed, timed and recorded;
 * its result is left in @ret. EOWNERDEAD is an acquisition, too.
 */
#define LSP_HOOK_WAIT(ret, lock, what, timeout, call) \
	do { \
		struct lsp_regs hook_regs; \
		struct lsp_blocking hook_wait; \
		\
		LSP_REGS(&hook_regs); \
		lsp_blocking_begin(&hook_wait, lock, what, &hook_regs); \
		(ret) = (call); \
		lsp_blocking_end(&hook_wait, (ret) == EOWNERDEAD ? LOCKSPAN_WOKEN : \
			     lsp_blocking_outcome(ret, timeout)); \
	} while (0)

/* The same for a call in which the thread may be cancelled. */
#define LSP_HOOK_POINT(ret, lock, timeout, call) \
	do { \
		struct lsp_regs hook_regs; \
		LSP_BLOCKING(hook_wait); \
		\
		LSP_REGS(&hook_regs); \
		lsp_blocking_begin(&hook_wait, lock, LSP_FOR_EVENT, &hook_regs); \
		(ret) = (call); \
		lsp_blocking_end(&hook_wait, lsp_blocking_outcome(ret, timeout)); \
	} while (0)

/*
 * Whether the C library takes a time and a clock. Some of its functions refuse a wrong one even
 * where they need not wait, so nothing may be tried before that.
 */
static inline bool lsp_hook_clock_good(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

static inline bool lsp_hook_time_good(clockid_t clock, const struct timespec *until)
{
	return lsp_hook_clock_good(clock) && until && until->tv_nsec >= 0 && until->tv_nsec < 1000000000;
}

#define MUTEX_SHARED_BIT 128

static inline enum lsp_blocking_for lsp_hook_mutex_kind(const pthread_mutex_t *m)
{
	return m->__data.__kind & MUTEX_SHARED_BIT ? LSP_FOR_SHARED : LSP_FOR_LOCK;
}

/* Of a recursive mutex only the outermost unlock lets go. C11's is the same thing inside. */
static inline bool lsp_hook_mutex_goes(const void *lock)
{
	const pthread_mutex_t *m = lock;

	return (m->__data.__kind & 3) != PTHREAD_MUTEX_RECURSIVE || m->__data.__count <= 1;
}

/* The @call that lets go of @lock, which somebody may be waiting for. */
#define LSP_HOOK_RELEASE(ret, lock, last, call) \
	do { \
		struct lsp_release hook_release; \
		struct lsp_regs hook_regs; \
		\
		LSP_REGS(&hook_regs); \
		lsp_release_begin(&hook_release, lock, last); \
		(ret) = (call); \
		lsp_release_end(&hook_release, lock, &hook_regs); \
	} while (0)

#endif
