/* SPDX-License-Identifier: GPL-2.0-only */
/* What hooks call before and after a call that may block, and at a release. It turns events into records. */
#ifndef LSP_PRELOAD_BLOCKING_H
#define LSP_PRELOAD_BLOCKING_H

#include "queue.h"
#include "stack.h"

struct lsp_blocking {
	struct lsp_userfile_wait open;
	int place;		/* the number of the wait among the thread's waits */
	bool recorded;
	const void *after;	/* a lock that the caller has when the wait is over, or NULL */
};

/* A wait in which the thread may be cancelled. If it is, the wait was ended by a signal. */
#define LSP_BLOCKING(w) struct lsp_blocking w __attribute__((cleanup(lsp_blocking_unwound)))
void lsp_blocking_unwound(struct lsp_blocking *w);

enum lsp_blocking_for {
	LSP_FOR_EVENT,	/* it waits for something that nobody holds */
	LSP_FOR_LOCK,	/* it waits for a lock: a release will be charged for the wait */
	LSP_FOR_SHARED,	/* the same, if the releaser is a thread of this process: the lock is shared */
};

/* The caller is going to wait for @lock. @regs were taken in the hook. */
void lsp_blocking_begin(struct lsp_blocking *w, const void *lock, enum lsp_blocking_for what,
		    const struct lsp_regs *regs);

/* The caller has stopped waiting. @outcome is WOKEN, TIMEOUT or SIGNAL; or ERROR, and then it was no wait. */
void lsp_blocking_end(struct lsp_blocking *w, enum lockspan_outcome outcome);

/*
 * The thread ends. If it has left waits without returning from them (longjmp), these end as well,
 * at an unknown time.
 */
void lsp_blocking_left_all(void);

/* The process exits by itself. Reports the waits that no release will answer for. */
void lsp_blocking_give_up_all(void);

/* The outcome that a return value of the C library means. */
static inline enum lockspan_outcome lsp_blocking_outcome(int err, int timeout)
{
	return !err ? LOCKSPAN_WOKEN : err == timeout ? LOCKSPAN_TIMEOUT : LOCKSPAN_ERROR;
}

struct lsp_release {
	struct lsp_queue_parts parts;
	uint64_t time_ns;
	uint64_t key;
};

/*
 * Called before the caller releases a lock, if lsp_queue_any() said that somebody may be waiting
 * for it. The release follows soon, by a call that meets no hook.
 */
void lsp_release_begin(struct lsp_release *r, const void *lock, bool last);

/* Called after the release. @lock is only compared, because it may not exist any more. */
void lsp_release_end(struct lsp_release *r, const void *lock, const struct lsp_regs *regs);

/* The caller got @lock without waiting, and lsp_queue_any() said that somebody may be waiting for it. */
void lsp_acquired(const void *lock);

#endif
