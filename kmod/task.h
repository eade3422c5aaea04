/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads that have waited. Each has one record, with its open span or its last one.
 *
 * A record is found by the base of the thread's kernel stack, which both sides know.
 * The waiter knows its own stack. A waker takes a futex_q off a queue, and that lies
 * on the waiter's kernel stack. So the address of the futex_q leads to the record
 * without a second table, and without reading the kernel's private structure.
 */
#ifndef _LSP_TASK_H
#define _LSP_TASK_H

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/ledger.h"
#include "key.h"

struct hrtimer_sleeper;

enum lsp_task_state {
	LSP_TASK_IDLE,		/* nothing to be woken from */
	LSP_TASK_PREPARED,	/* about to queue; not in the ledger yet */
	LSP_TASK_OPEN,		/* queued, in the ledger */
	LSP_TASK_WOKEN,		/* taken off the queue, has not run */
	LSP_TASK_CLOSING,	/* has run; may yet turn out woken late */
};

struct lsp_task {
	struct hlist_node node;
	unsigned long stack;		/* base of the kernel stack: the name */
	struct task_struct *task;	/* valid until sched_process_exit, then NULL; see lsp_task_exit() */
	struct lsp_task *limbo_next;

	raw_spinlock_t lock;		/* for what follows; outside a key's lock */
	u8 state;			/* enum lsp_task_state */
	u8 op;				/* enum lockspan_op */
	u8 outcome;			/* of the last span */
	bool pi;			/* sleeps on a PI mutex now */
	bool owner_died;		/* woken by an exiting owner */
	bool plain;			/* by futex(2) on a private word; for wait_is_like_last() */
	u16 flags;			/* LOCKSPAN_SPAN_* */
	u16 depth;
	u32 op_word;
	u32 tid;			/* the thread's own ids when it began to wait */
	u32 tgid;
	u32 waker_tid;
	u32 waker_tgid;
	const void *q;			/* the kernel's queue entry, opaque */
	const struct hrtimer_sleeper *to; /* its timer, on its stack; only for its own eyes */
	struct lsp_key *key;		/* of the open or the last span, referenced */
	u64 begin_key;			/* exported hash of the key it began on; key's is where it ends */
	struct lsp_ledger_wait wait;	/* its place in the key's ledger */
	u64 enq_ns;
	u64 id;
	u64 uaddr;
	u64 wake_ns;
	u64 run_ns;
	u64 tail_ns;
	u64 handoff_ns;
	unsigned long nvcsw;		/* voluntary switches when the span began */
	char comm[TASK_COMM_LEN];	/* set only if the thread exited with its wait open */
};

/* Whether the thread has a wait that has not ended. The lock of @t is held. */
static inline bool lsp_task_waits(const struct lsp_task *t)
{
	return t->state == LSP_TASK_OPEN || t->state == LSP_TASK_WOKEN;
}

/* Process context, may sleep. Room for @tasks threads at a time. 0 or -ENOMEM. */
int lsp_task_init(u32 tasks);
void lsp_task_uninit(void);
u64 lsp_task_memory(void);

struct lsp_task_bucket {
	raw_spinlock_t lock;	/* for writers; readers walk under RCU */
	struct hlist_head tasks;
};

/* Used only by the function below. */
extern struct lsp_task_bucket *lsp_task_buckets;
extern unsigned int lsp_task_shift;

static inline struct lsp_task_bucket *lsp_task_bucket(unsigned long stack)
{
	/* As hash_64() does; the low bits of a stack's address are all the same. */
	return &lsp_task_buckets[(stack * GOLDEN_RATIO_64) >> lsp_task_shift];
}

/* The thread on this kernel stack, or NULL. Preemption off; the result stays valid while it is. */
static inline struct lsp_task *lsp_task_by_stack(unsigned long stack)
{
	struct lsp_task *t;

	/* Handlers run with preemption off, which is a read-side section of its own. */
	hlist_for_each_entry_rcu(t, &lsp_task_bucket(stack)->tasks, node, true)
		if (likely(t->stack == stack))
			return t;
	return NULL;
}

/* A new record for the current thread. NULL: no room. Preemption and interrupts off. */
struct lsp_task *lsp_task_create(void);

/* The current thread's record, made if need be. NULL: no room. Preemption and interrupts off. */
static inline struct lsp_task *lsp_task_current(void)
{
	struct lsp_task *t = lsp_task_by_stack((unsigned long)current->stack);

	return likely(t) ? t : lsp_task_create();
}

static inline struct lsp_task *lsp_task_by_q(const void *q)
{
	return lsp_task_by_stack((unsigned long)q & ~(THREAD_SIZE - 1));
}

static inline struct lsp_task *lsp_task_by_task(const struct task_struct *task)
{
	return lsp_task_by_stack((unsigned long)READ_ONCE(task->stack));
}

/*
 * The current task @task exits: gives its record back. A record whose wait is still open is kept as it is, but
 * only lsp_task_each() still finds it. Any context.
 */
void lsp_task_exit(struct task_struct *task);

/* Makes the records of threads that exited before the last call usable again. Process context, may sleep (RCU). */
void lsp_task_reclaim(void);

/*
 * Calls @visit for every thread, and for those that have exited with their wait open. Process context;
 * @visit may sleep. The thread's lock is not held.
 */
void lsp_task_each(void (*visit)(struct lsp_task *t, void *arg), void *arg);

#endif
