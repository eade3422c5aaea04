// SPDX-License-Identifier: GPL-2.0-only
#include "filter.h"

#include <linux/bitmap.h>
#include <linux/cgroup.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/threads.h>
#include <linux/vmalloc.h>

#include "counter.h"
#include "uapi/lockspan.h"

struct lsp_filter_options lsp_filter_options;
unsigned long *lsp_filter_tgids;

int lsp_filter_init(const struct lsp_filter_options *o)
{
	lsp_filter_options = *o;
	if (o->all)
		return 0;
	lsp_filter_tgids = vzalloc(BITS_TO_LONGS(PID_MAX_LIMIT) * sizeof(long));
	return lsp_filter_tgids ? 0 : -ENOMEM;
}

void lsp_filter_uninit(void)
{
	vfree(lsp_filter_tgids);
	lsp_filter_tgids = NULL;
}

u64 lsp_filter_memory(void)
{
	return lsp_filter_tgids ? BITS_TO_LONGS(PID_MAX_LIMIT) * sizeof(long) : 0;
}

int lsp_filter_add(pid_t nr, struct task_struct **found)
{
	struct task_struct *task;
	int ret = -ESRCH;

	rcu_read_lock();
	task = pid_task(find_vpid(nr), PIDTYPE_TGID);
	if (task) {
		if (lsp_filter_tgids)
			set_bit(task->tgid, lsp_filter_tgids);
		if (found) {
			get_task_struct(task);
			*found = task;
		}
		ret = 0;
	}
	rcu_read_unlock();
	return ret;
}

void lsp_filter_min_delay_set(u64 ns)
{
	WRITE_ONCE(lsp_filter_options.min_delay_ns, ns);
}

void lsp_filter_fork(const struct task_struct *parent, const struct task_struct *child)
{
	if (lsp_filter_tgids && lsp_filter_options.children && test_bit(parent->tgid, lsp_filter_tgids))
		set_bit(child->tgid, lsp_filter_tgids);
}

void lsp_filter_exit(const struct task_struct *task)
{
	/* When the last thread has gone, the id can be given to another process. */
	if (lsp_filter_tgids && !atomic_read(&task->signal->live))
		clear_bit(task->tgid, lsp_filter_tgids);
}

#ifdef CONFIG_CGROUPS
static bool in_cgroup(struct task_struct *task, u64 id)
{
	struct cgroup *cgroup;
	bool in = false;

	rcu_read_lock();
	/* The loop is bounded, because the kernel limits the depth of the hierarchy. */
	for (cgroup = task_dfl_cgroup(task); cgroup && !in; cgroup = cgroup_parent(cgroup))
		in = cgroup_id(cgroup) == id;
	rcu_read_unlock();
	return in;
}
#else
static bool in_cgroup(struct task_struct *task, u64 id)
{
	return false;
}
#endif

static bool left_out(enum lockspan_counter reason, bool count)
{
	if (count)
		lsp_count(reason);
	return false;
}

bool lsp_filter_current_seldom(bool count)
{
	if (unlikely(current->flags & PF_IO_WORKER))
		return left_out(LOCKSPAN_C_IO_URING, count);
	if (unlikely((current->flags & PF_KTHREAD) || !current->mm))
		return left_out(LOCKSPAN_C_KTHREAD, count);
	if (current->tgid == lsp_filter_options.owner)
		return false;
	if (lsp_filter_options.all || test_bit(current->tgid, lsp_filter_tgids))
		return true;
	if (lsp_filter_options.cgroup && in_cgroup(current, lsp_filter_options.cgroup))
		return true;
	return left_out(LOCKSPAN_C_FILTERED, count);
}

bool lsp_filter_task(struct task_struct *task)
{
	if (task->flags & (PF_IO_WORKER | PF_KTHREAD | PF_EXITING) || !task->mm ||
	    task->tgid == lsp_filter_options.owner)
		return false;
	return lsp_filter_options.all || test_bit(task->tgid, lsp_filter_tgids) ||
	       (lsp_filter_options.cgroup && in_cgroup(task, lsp_filter_options.cgroup));
}
