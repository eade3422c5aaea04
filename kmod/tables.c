// SPDX-License-Identifier: GPL-2.0-only
#include "tables.h"

#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

#include "key.h"
#include "maps.h"
#include "ring.h"
#include "rules.h"
#include "task.h"
#include "ustack.h"
#include "why.h"

/* At most this many kretprobes have an instance for each of max_parked threads. The others have 256 instances. */
#define KRETPROBES 4

void lsp_tables_uninit(void)
{
	lsp_filter_uninit();
	lsp_ustack_uninit();
	lsp_rules_uninit();
	lsp_maps_uninit();
	lsp_why_times_uninit();
	lsp_key_uninit();
	lsp_task_uninit();
	lsp_ring_uninit();
}

/* Returns the process's mm_struct with a reference that does not keep the mappings alive; or NULL. */
static struct mm_struct *process_mm(struct task_struct *task)
{
	struct mm_struct *mm;

	task_lock(task);
	mm = task->flags & PF_KTHREAD ? NULL : task->mm;
	if (mm)
		mmgrab(mm);
	task_unlock(task);
	return mm;
}

/* Observes one more process, and has its mappings read before a stack needs them. */
int lsp_tables_process_add(u32 nr)
{
	struct task_struct *task;
	struct lsp_maps_view view;
	struct mm_struct *mm;
	int ret;

	ret = lsp_filter_add(nr, &task);
	if (ret)
		return ret;
	mm = process_mm(task);
	if (mm) {
		preempt_disable();
		lsp_maps_of(mm, task->tgid, &view);
		preempt_enable();
		mmdrop(mm);
	}
	put_task_struct(task);
	return 0;
}

/*
 * Whether the tables, which grow with max_threads, and the rings fit into half of the machine's
 * memory. This is computed before anything is allocated, because a failing allocation would first
 * make the kernel kill processes. Each kretprobe keeps an instance for each thread, and each
 * processor has room for a pointer to it.
 */
static bool tables_fit(const struct lsp_tables_options *o, u32 threads)
{
	u64 cpus = num_possible_cpus();
	u64 thread_bytes = sizeof(struct lsp_task) + sizeof(struct lsp_key) +
			   4 * sizeof(struct lsp_task_bucket) + KRETPROBES * (128 + 8 * cpus) +
			   (o->why ? sizeof(struct lsp_why_history) + sizeof(struct lsp_why_crowd) : 0);

	return (threads * thread_bytes + (cpus + 1) * o->ring_bytes) >> PAGE_SHIFT <= totalram_pages() / 2;
}

int lsp_tables_init(const struct lsp_tables_options *o, u32 threads, void (*wake)(void), const char **why)
{
	u32 i;
	int ret;

	*why = "the tables for max_threads and the rings would take more than half of this machine's memory: load "
	       "the module with a smaller max_threads, or record with smaller rings";
	if (!tables_fit(o, threads))
		return -ENOMEM;
	*why = "not enough memory for the session's tables and rings";
	ret = lsp_ring_init(o->ring_bytes, wake);
	if (ret)
		return ret;
	ret = lsp_task_init(threads, o->why);
	if (ret)
		goto err_ring;
	/* Each thread refers to at most one key; a requeue refers to one more for a moment. */
	ret = lsp_key_init(threads + 1024, o->why);
	if (ret)
		goto err_task;
	ret = lsp_why_times_init(o->why);
	if (ret)
		goto err_key;
	ret = lsp_maps_init(wake);
	if (ret)
		goto err_times;
	ret = lsp_rules_init();
	if (ret)
		goto err_maps;
	ret = lsp_ustack_init(o->stack_mode, o->stack_both);
	if (ret)
		goto err_rules;
	ret = lsp_filter_init(&o->filter);
	if (ret)
		goto err_ustack;
	for (i = 0; i < o->ntgids && !ret; i++)
		ret = lsp_tables_process_add(o->tgids[i]);
	if (!ret)
		return 0;

	*why = "no process has one of the given ids";
	lsp_filter_uninit();
err_ustack:
	lsp_ustack_uninit();
err_rules:
	lsp_rules_uninit();
err_maps:
	lsp_maps_uninit();
err_times:
	lsp_why_times_uninit();
err_key:
	lsp_key_uninit();
err_task:
	lsp_task_uninit();
err_ring:
	lsp_ring_uninit();
	return ret;
}

u64 lsp_tables_memory(void)
{
	return lsp_ring_memory() + lsp_task_memory() + lsp_key_memory() + lsp_filter_memory() +
	       lsp_maps_memory() + lsp_ustack_memory() + lsp_rules_memory() + lsp_why_times_memory();
}
