/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose waits are observed. Chooses waiters only; a releaser is blamed whoever it is. */
#ifndef _LSP_FILTER_H
#define _LSP_FILTER_H

#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/types.h>

struct lsp_filter_options {
	bool all;
	bool children;		/* follow forks of the added processes */
	u64 cgroup;		/* inode number, 0 none */
	u32 ops;		/* bit per enum lockspan_op, 0 all */
	u64 min_delay_ns;
	pid_t owner;		/* this process is never observed */
};

/* Process context, may sleep. 0 or -ENOMEM. */
int lsp_filter_init(const struct lsp_filter_options *o);
void lsp_filter_uninit(void);
u64 lsp_filter_memory(void);

/*
 * Adds the process @nr of the caller's pid namespace. Process context. 0 or
 * -ESRCH; @task gets the process with a reference, if not NULL.
 */
int lsp_filter_add(pid_t nr, struct task_struct **task);

/* Sets the shortest lock wait that is kept; any context. */
void lsp_filter_min_delay_set(u64 ns);

/* From the fork and exit tracepoints. */
void lsp_filter_fork(const struct task_struct *parent, const struct task_struct *child);
void lsp_filter_exit(const struct task_struct *task);

/* By the functions below only. The ids have one bit each: O(1) in the probe, whatever their number. */
extern struct lsp_filter_options lsp_filter_options;
extern unsigned long *lsp_filter_tgids;
bool lsp_filter_current_seldom(bool count);

/* Whether the current task's waits are wanted; with @count, counts the others by reason. Probe context. */
static inline bool lsp_filter_current(bool count)
{
	if (likely(!(current->flags & (PF_IO_WORKER | PF_KTHREAD)) && current->mm &&
		   current->tgid != lsp_filter_options.owner &&
		   (lsp_filter_options.all || test_bit(current->tgid, lsp_filter_tgids))))
		return true;
	return lsp_filter_current_seldom(count);
}

/* Whether every process is wanted. */
static inline bool lsp_filter_all(void)
{
	return lsp_filter_options.all;
}

/* Whether waits of this operation, and waits of this length, are wanted. They count nothing. */
static inline bool lsp_filter_op(unsigned int op)
{
	return !lsp_filter_options.ops || (lsp_filter_options.ops & BIT(op));
}

static inline bool lsp_filter_delay(u64 lock_wait_ns)
{
	return lock_wait_ns >= READ_ONCE(lsp_filter_options.min_delay_ns);
}

#endif
