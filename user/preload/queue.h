/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for which lock now, so that a release can be charged with what it
 * made others wait: per contended lock the ledger of docs/semantics.md, at the
 * level of calls. Uncontended locks are in no table; one load tells so.
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

/* What the end of a wait, or a release, came to, ns. */
struct lsp_queue_parts {
	bool found;		/* it had waiters (release), or was in the table (leave) */
	uint64_t hold_ns;	/* of the releaser */
	uint64_t handoff_ns;
	uint64_t tail_ns;
	uint64_t now_ns;	/* leave: when, not before any other step on this lock */
	uint32_t waiters;	/* left */
};

/*
 * The caller begins to wait; the depth, itself included. 0: no room (16,384 contended
 * locks in the process), it is not accounted. From *@base_ns on it is: not before any other step on this lock.
 */
uint32_t lsp_queue_enter(const void *lock, uint64_t now_ns, uint64_t *base_ns);

/* The caller, which is accounted from @enter_ns on, waits no longer; @acquired: it holds the lock. */
void lsp_queue_leave(const void *lock, uint64_t enter_ns, uint64_t now_ns, bool acquired,
		     struct lsp_queue_parts *ret);

/* The caller is about to let go; @last: nobody holds it then. */
void lsp_queue_release(const void *lock, uint64_t now_ns, bool last, struct lsp_queue_parts *ret);

/* The caller got it without waiting. Handoff that this has ended, ns. */
uint64_t lsp_queue_acquire(const void *lock, uint64_t now_ns);

/* In a new process, @process: nobody waits. */
void lsp_queue_process_new(uint32_t process);

#endif
