/* SPDX-License-Identifier: GPL-2.0-only */
/* What hooks call around the blocking call and at the release: from events to records. */
#ifndef LSP_PRELOAD_BLOCKING_H
#define LSP_PRELOAD_BLOCKING_H

#include "queue.h"
#include "stack.h"

struct lsp_blocking {
	struct lsp_userfile_wait open;
	int place;		/* among the thread's waits that are under way */
	bool recorded;
	const void *after;	/* a lock that the caller has when the wait is over, or NULL */
};

/* The hook's wait, where the thread may be cancelled in it: such a wait was ended by a signal. */
#define LSP_BLOCKING(w) struct lsp_blocking w __attribute__((cleanup(lsp_blocking_unwound)))
void lsp_blocking_unwound(struct lsp_blocking *w);

enum lsp_blocking_for {
	LSP_FOR_EVENT,	/* nobody holds it */
	LSP_FOR_LOCK,	/* a release will be charged for the wait */
	LSP_FOR_SHARED,	/* the same, if it is this process's: the lock is shared */
};

/* The caller is going to wait for @lock. @regs were taken in the hook. */
void lsp_blocking_begin(struct lsp_blocking *w, const void *lock, enum lsp_blocking_for what,
		    const struct lsp_regs *regs);

/* It waits no longer; @outcome is WOKEN, TIMEOUT, SIGNAL or ERROR (then it is no wait). */
void lsp_blocking_end(struct lsp_blocking *w, enum lockspan_outcome outcome);

/* The thread ends: waits that it has left without a word end, and nobody knows when they did. */
void lsp_blocking_left_all(void);

/* From what a function of the C library returned. */
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
 * Before the caller lets go of a lock that lsp_queue_any() said may be waited for. It lets go soon, by a call that
 * meets no hook.
 */
void lsp_release_begin(struct lsp_release *r, const void *lock, bool last);

/* After it: @lock may be gone by now and is not looked into. */
void lsp_release_end(struct lsp_release *r, const void *lock, const struct lsp_regs *regs);

/* The caller got @lock without waiting, while lsp_queue_any(). */
void lsp_acquired(const void *lock);

#endif
