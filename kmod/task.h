/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads that have waited. Each has one entry (struct lsp_task), with its open span or its last one.
 *
 * An entry is found by the base of the thread's kernel stack, which both sides know.
 * The waiter knows its own stack. A waker takes a futex_q off a queue, and that lies
 * on the waiter's kernel stack. So the address of the futex_q leads to the entry
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
#include "core/why.h"
#include "key.h"

struct hrtimer_sleeper;

enum lsp_task_state {
	LSP_TASK_IDLE,		/* the thread has no wait */
	LSP_TASK_PREPARED,	/* the thread is about to queue, and is not in the ledger yet */
	LSP_TASK_OPEN,		/* the thread is queued and in the ledger */
	LSP_TASK_WOKEN,		/* the thread was taken off the queue, and has not run yet */
	LSP_TASK_CLOSING,	/* the wait is over, but a late release may still come */
};

struct lsp_task {
	struct hlist_node node;
	unsigned long stack;		/* base of the kernel stack, by which the entry is found */
	struct task_struct *task;	/* valid until sched_process_exit, then NULL; see lsp_task_exit() */
	struct lsp_task *limbo_next;

	raw_spinlock_t lock;		/* protects what follows; a key's lock is taken inside it */
	u8 state;			/* enum lsp_task_state */
	u8 op;				/* enum lockspan_op */
	u8 outcome;			/* of the last span */
	bool pi;			/* the thread sleeps on a PI mutex now */
	bool owner_died;		/* an exiting owner has woken the thread */
	bool plain;			/* futex(2) on a private word; for wait_is_like_last() */
	u16 flags;			/* LOCKSPAN_SPAN_* */
	u16 depth;
	u32 op_word;
	u32 tid;			/* the thread's ids when it began to wait */
	u32 tgid;
	u32 waker_tid;
	u32 waker_tgid;
	const void *q;			/* the kernel's queue entry */
	const struct hrtimer_sleeper *to; /* the timer, on the thread's stack; only the thread may read it */
	struct lsp_key *key;		/* key of the open or the last span, with a reference */
	u64 begin_key;			/* hash of the key on which the wait began; @key is where it ends */
	struct lsp_ledger_wait wait;	/* its place in the key's ledger */
	u64 enq_ns;
	u64 id;
	u64 uaddr;
	u64 wake_ns;
	u64 run_ns;
	u64 tail_ns;
	u64 handoff_ns;
	struct lsp_why_history *why;	/* what the thread has done lately; NULL if nobody asks */
	unsigned long nvcsw;		/* the thread's voluntary context switches when the span began */
	char comm[TASK_COMM_LEN];	/* set only if the thread exited while its wait was open */
};

/* Whether the thread has a wait that has not ended. The lock of @t is held. */
static inline bool lsp_task_waits(const struct lsp_task *t)
{
	return t->state == LSP_TASK_OPEN || t->state == LSP_TASK_WOKEN;
}

/* Makes room for @tasks threads, and with @why for their histories. Process context, may sleep. Returns 0 or -ENOMEM. */
int lsp_task_init(u32 tasks, bool why);
void lsp_task_uninit(void);
u64 lsp_task_memory(void);

struct lsp_task_bucket {
	raw_spinlock_t lock;	/* taken by writers; readers walk the chain under RCU */
	struct hlist_head tasks;
};

/* Used only by the function below. */
extern struct lsp_task_bucket *lsp_task_buckets;
extern unsigned int lsp_task_shift;

static inline struct lsp_task_bucket *lsp_task_bucket(unsigned long stack)
{
	/*
	 * As in hash_64(): the high bits of the product are used, because the low bits of all
	 * stacks' addresses are equal.
	 */
	return &lsp_task_buckets[(stack * GOLDEN_RATIO_64) >> lsp_task_shift];
}

/*
 * Returns the entry of the thread on this kernel stack, or NULL. Preemption is off. The result is
 * valid until it is on.
 */
static inline struct lsp_task *lsp_task_by_stack(unsigned long stack)
{
	struct lsp_task *t;

	/* Handlers run with preemption off, and that counts as an RCU read-side section. */
	hlist_for_each_entry_rcu(t, &lsp_task_bucket(stack)->tasks, node, true)
		if (likely(t->stack == stack))
			return t;
	return NULL;
}

/*
 * The entry of the thread that runs on this processor, if it was put there during a session that asks what threads do and had
 * an entry then; else NULL. It changes when interrupts are on.
 */
DECLARE_PER_CPU(struct lsp_task *, lsp_task_running);

/*
 * Returns a new entry for @task, which is the current thread or is about to run on this processor,
 * or NULL if there is no room. @spare: a quarter of the entries is left for others. Preemption and
 * interrupts are off.
 */
struct lsp_task *lsp_task_create(struct task_struct *task, bool spare);

/*
 * Returns the current thread's entry, and makes it if needed. NULL: no room. Preemption and
 * interrupts are off.
 */
static inline struct lsp_task *lsp_task_current(void)
{
	struct lsp_task *t = lsp_task_by_stack((unsigned long)current->stack);

	return likely(t) ? t : lsp_task_create(current, false);
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
 * The current task @task exits. Gives its entry back. If its wait is still open, the entry is
 * kept as it is, but then only lsp_task_each() finds it. Any context.
 */
void lsp_task_exit(struct task_struct *task);

/*
 * The entries of threads that exited before the last call can be used again. Process context, may
 * sleep (RCU).
 */
void lsp_task_reclaim(void);

/*
 * Calls @visit for every thread, and for every thread that has exited while its wait was open.
 * Process context; @visit may sleep. The lock of the entry is not held.
 */
void lsp_task_each(void (*visit)(struct lsp_task *t, void *arg), void *arg);

#endif
