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

/* The result of the end of a wait, or of a release; times in ns. */
struct lsp_queue_parts {
	bool found;		/* release: the lock had waiters; leave: the wait was in the table */
	uint64_t hold_ns;	/* hold charge of the releaser */
	uint64_t handoff_ns;
	uint64_t tail_ns;
	uint64_t now_ns;	/* leave: its time, which is not before any other step on this lock */
	uint32_t waiters;	/* waiters that are left */
};

/*
 * The caller begins to wait. Returns the number of waiters, the caller included, or 0 if there is
 * no room (16,384 contended locks in the process) and the wait is not accounted for. It is
 * accounted for from *@base_ns on, which is not before any other step on this lock.
 */
uint32_t lsp_queue_enter(const void *lock, uint64_t now_ns, uint64_t *base_ns);

/* The caller, which is accounted for from @enter_ns on, has stopped waiting. @acquired: it holds the lock. */
void lsp_queue_leave(const void *lock, uint64_t enter_ns, uint64_t now_ns, bool acquired,
		     struct lsp_queue_parts *ret);

/* The caller is about to release the lock. @last: the lock is free then. */
void lsp_queue_release(const void *lock, uint64_t now_ns, bool last, struct lsp_queue_parts *ret);

/* The caller got the lock without waiting. Returns the handoff time that ended with this, in ns. */
uint64_t lsp_queue_acquire(const void *lock, uint64_t now_ns);

/* Called in the new process @process, in which no thread waits. */
void lsp_queue_process_new(uint32_t process);

#endif
