/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decides whose waits are observed: of which processes, of which futex operations, and from which length on. Follows
 * forks and exits. It chooses only waiters: a releaser is blamed whoever it is.
 */
#ifndef _LSP_FILTER_H
#define _LSP_FILTER_H

#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/types.h>

struct lsp_filter_options {
	bool all;
	bool children;		/* observe also what the added processes fork */
	u64 cgroup;		/* inode number of the cgroup, 0 none */
	u32 ops;		/* one bit for each enum lockspan_op, 0 all */
	u64 min_delay_ns;
	pid_t owner;		/* the process that is never observed */
};

/* Process context, may sleep. Returns 0 or -ENOMEM. */
int lsp_filter_init(const struct lsp_filter_options *o);
void lsp_filter_uninit(void);
u64 lsp_filter_memory(void);

/*
 * Adds the process @nr of the caller's pid namespace. Process context. Returns 0 or -ESRCH. If
 * @task is not NULL, it gets the process with a reference.
 */
int lsp_filter_add(pid_t nr, struct task_struct **task);

/* Sets the shortest lock wait that is kept. Any context. */
void lsp_filter_min_delay_set(u64 ns);

/* Called from the tracepoints of fork and exit. */
void lsp_filter_fork(const struct task_struct *parent, const struct task_struct *child);
void lsp_filter_exit(const struct task_struct *task);

/*
 * Used only by the functions below. Each process id has a bit, so a lookup takes the same time
 * whatever their number.
 */
extern struct lsp_filter_options lsp_filter_options;
extern unsigned long *lsp_filter_tgids;
bool lsp_filter_current_seldom(bool count);

/*
 * Whether the current task's waits are observed. If not, and with @count, counts the wait with the
 * reason. Probe context.
 */
static inline bool lsp_filter_current(bool count)
{
	if (likely(!(current->flags & (PF_IO_WORKER | PF_KTHREAD)) && current->mm &&
		   current->tgid != lsp_filter_options.owner &&
		   (lsp_filter_options.all || test_bit(current->tgid, lsp_filter_tgids))))
		return true;
	return lsp_filter_current_seldom(count);
}

/*
 * Whether the current task belongs to the session's owner. Its waits are never recorded, but
 * its threads pass through the probes while it rehearses, see trial.h.
 */
static inline bool lsp_filter_is_owner(void)
{
	return current->tgid == lsp_filter_options.owner;
}

/*
 * Whether @task is observed, which is the current one or about to run on this processor. Nothing is
 * counted. Interrupts are off.
 */
bool lsp_filter_task(struct task_struct *task);

/* Whether every process is observed. */
static inline bool lsp_filter_all(void)
{
	return lsp_filter_options.all;
}

/*
 * Whether waits of this operation are observed, and whether waits of this length are kept. Nothing
 * is counted.
 */
static inline bool lsp_filter_op(unsigned int op)
{
	return !lsp_filter_options.ops || (lsp_filter_options.ops & BIT(op));
}

static inline bool lsp_filter_delay(u64 lock_wait_ns)
{
	return lock_wait_ns >= READ_ONCE(lsp_filter_options.min_delay_ns);
}

#endif
