/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads that wait for each lock now, so that a release can be charged with the waiting that
 * it caused. Each contended lock has the ledger of docs/semantics.md, here for calls instead of
 * sleeps. A lock without contention is in no table, and one load tells that.
 */
#ifndef LSP_PRELOAD_QUEUE_H
#define LSP_PRELOAD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define LSP_QUEUE_BUCKETS 4096

/* Threads that wait for a lock of this bucket. */
extern uint32_t lsp_queue_waiting[LSP_QUEUE_BUCKETS];

static inline uint32_t lsp_queue_bucket(const void *lock)
{
	uint64_t a = (uintptr_t)lock;

	return (uint32_t)((a >> 3 ^ a >> 15) % LSP_QUEUE_BUCKETS);
}

/* Whether somebody may be waiting for @lock. */
static inline bool lsp_queue_any(const void *lock)
{
	return __builtin_expect(__atomic_load_n(&lsp_queue_waiting[lsp_queue_bucket(lock)],
						__ATOMIC_RELAXED), 0);
}

/* Waits on a lock that ended without getting it, and that no release will answer for. */
struct lsp_queue_given {
	const void *lock;
	uint64_t key;
	uint64_t wait_ns;
	uint32_t waits;		/* 0: there is nothing to report */
};

/* The result of the end of a wait, or of a release; times in ns. */
struct lsp_queue_parts {
	bool found;		/* release: the lock had waiters; leave: the wait was in the table */
	bool carried;		/* leave: a later release answers for tail_ns, or it is given up */
	uint64_t hold_ns;	/* hold charge of the releaser */
	uint64_t carried_ns;	/* part of hold_ns: waits that had ended before */
	uint32_t carried_waits;	/* number of these waits */
	uint64_t handoff_ns;
	uint64_t tail_ns;
	uint64_t now_ns;	/* leave: its time, which is not before any other step on this lock */
	uint32_t waiters;	/* waiters that are left */
	struct lsp_queue_given given;	/* leave: what the lock's waits have given up */
};

struct lsp_queue_wait {
	const void *lock;
	uint64_t key;		/* the lock's key, for a report of what is given up */
	uint64_t start_ns;
	uint64_t base_ns;	/* the wait is accounted for from here on */
};

enum lsp_queue_end {
	LSP_QUEUE_ACQUIRED,	/* the caller holds the lock */
	LSP_QUEUE_GAVE_UP,	/* a timeout or a signal ended the wait */
	LSP_QUEUE_UNSEEN,	/* the call failed, or the wait ended at an unknown time */
};

/*
 * The caller begins to wait. Returns the number of waiters, the caller included, or 0 if there is
 * no room (16,384 contended locks in the process) and the wait is not accounted for. It is
 * accounted for from *@base_ns on, which is not before any other step on this lock.
 */
uint32_t lsp_queue_enter(const void *lock, uint64_t now_ns, uint64_t *base_ns, struct lsp_queue_given *given);

/* The caller, whose wait is accounted for, has stopped waiting. */
void lsp_queue_leave(const struct lsp_queue_wait *wait, uint64_t now_ns, enum lsp_queue_end end,
		     struct lsp_queue_parts *ret);

/*
 * To be called again and again at the end of the process, with *@bucket = 0 at first. Fills in what one lock's
 * waits have given up. Returns false when there is no more.
 */
bool lsp_queue_give_up(uint32_t *bucket, struct lsp_queue_given *given);

/* The caller is about to release the lock. @last: the lock is free then. */
void lsp_queue_release(const void *lock, uint64_t now_ns, bool last, struct lsp_queue_parts *ret);

/* The caller got the lock without waiting. Returns the handoff time that ended with this, in ns. */
uint64_t lsp_queue_acquire(const void *lock, uint64_t now_ns);

/* Called in a new process, in which no thread waits. @image is its number (thread.h). */
void lsp_queue_process_new(uint32_t image);

#endif
