/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose waits are observed. Chooses waiters only; a releaser is blamed whoever it is. */
#ifndef _LSP_FILTER_H
#define _LSP_FILTER_H

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

/* A shorter minimum or another; any context. */
void lsp_filter_min_delay_set(u64 ns);

/* From the fork and exit tracepoints. */
void lsp_filter_fork(const struct task_struct *parent, const struct task_struct *child);
void lsp_filter_exit(const struct task_struct *task);

/* Whether the current task's waits are wanted; with @count, counts the others by reason. Probe context. */
bool lsp_filter_current(bool count);

/* Whether every process is wanted. */
bool lsp_filter_all(void);

/* Whether waits of this kind are; and ones of this length. Count nothing. */
bool lsp_filter_op(unsigned int op);
bool lsp_filter_delay(u64 lock_wait_ns);

#endif
