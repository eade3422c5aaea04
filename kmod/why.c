// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/syscall.h>
#include <trace/events/sched.h>

#include "compat.h"
#include "counter.h"
#include "filter.h"
#include "ring.h"
#include "span.h"

static struct tracepoint *tracepoint_switch, *tracepoint_waking;
static struct lsp_why_times *times;	/* one for each processor; NULL: not asked for */
static DEFINE_PER_CPU(struct lsp_why_times *, times_own);
static bool armed;
static bool crowded;	/* a thread had no entry once: what it did is not known */
static u64 session_ns, frozen_ns;

static void tracepoint_look(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "sched_switch"))
		tracepoint_switch = tp;
	else if (!strcmp(tp->name, "sched_waking"))
		tracepoint_waking = tp;
}

int lsp_why_init(void)
{
	for_each_kernel_tracepoint(tracepoint_look, NULL);
	if (tracepoint_switch && tracepoint_waking)
		return 0;
	pr_err("lockspan: no tracepoint sched_switch or sched_waking\n");
	return -ENOENT;
}

int lsp_why_times_init(bool wanted)
{
	unsigned int cpu;

	times = wanted ? vzalloc(array_size(nr_cpu_ids, sizeof(*times))) : NULL;
	for_each_possible_cpu(cpu)
		per_cpu(times_own, cpu) = times ? &times[cpu] : NULL;
	return wanted && !times ? -ENOMEM : 0;
}

void lsp_why_times_uninit(void)
{
	vfree(times);
	times = NULL;
}

u64 lsp_why_times_memory(void)
{
	return times ? nr_cpu_ids * sizeof(*times) : 0;
}

void lsp_why_start(u64 start_ns)
{
	session_ns = start_ns;
	WRITE_ONCE(frozen_ns, U64_MAX);
	crowded = false;
}

void lsp_why_freeze(u64 stop_ns)
{
	WRITE_ONCE(frozen_ns, stop_ns);
}

/* What the current thread, which is going to sleep, waits for. */
static u64 why_asleep(const struct lsp_task *t)
{
	int nr;

	if (t->state == LSP_TASK_OPEN || t->state == LSP_TASK_PREPARED)
		return t->begin_key;
	nr = syscall_get_nr(current, task_pt_regs(current));
	/* An exception or an interrupt leaves no number of a system call. */
	if (nr < 0)
		return LSP_WHY_WHAT(FAULT);
	return lsp_why_what(in_ia32_syscall() ? LOCKSPAN_WHY_CALL_COMPAT : LOCKSPAN_WHY_CALL, nr);
}

/* Makes an entry for a thread, if it is observed. NULL: it is not, or there is no room (counted). */
static noinline struct lsp_task *why_task_seldom(struct task_struct *task)
{
	struct lsp_task *t;

	if (!lsp_filter_task(task))
		return NULL;
	t = lsp_task_create(task, true);
	if (!t) {
		WRITE_ONCE(crowded, true);
		lsp_count(LOCKSPAN_C_WHY_CROWDED);
	}
	return t;
}

/* The entry of a thread that is observed; NULL: there is none. */
static __always_inline struct lsp_task *why_task(struct task_struct *task)
{
	struct lsp_task *t;

	if (!task->mm)
		return NULL;
	t = lsp_task_by_task(task);
	return likely(t) ? t : why_task_seldom(task);
}

/* Since when a thread has been observed. */
static u64 observed_since(const struct task_struct *task)
{
	return max(session_ns, (u64)task->start_time);
}

/* Since when a thread that is observed has run if nobody saw it being put on a processor. */
static u64 running_since(const struct task_struct *task, u64 now_ns)
{
	return READ_ONCE(crowded) ? now_ns : observed_since(task);
}

/* What a thread has done up to now that was never on a processor as far as anybody saw. */
static u64 what_before(struct task_struct *task)
{
	struct pt_regs regs;
	int nr;

	if (READ_ONCE(crowded))
		return LSP_WHY_WHAT(UNKNOWN);
	if (task->start_time >= session_ns)
		return LSP_WHY_WHAT(RUNNABLE);
	/* A thread that is not the current one may lose its stack. */
	if (!READ_ONCE(task->stack) || copy_from_kernel_nofault(&regs, task_pt_regs(task), sizeof(regs)))
		return LSP_WHY_WHAT(UNKNOWN);
	nr = syscall_get_nr(task, &regs);
	if (nr < 0)
		return LSP_WHY_WHAT(UNKNOWN);
	return lsp_why_what(user_64bit_mode(&regs) ? LOCKSPAN_WHY_CALL : LOCKSPAN_WHY_CALL_COMPAT, nr);
}

/* Adds the time before @now_ns in which a thread that is observed did @what. Preemption is off. */
static void before_add(const struct task_struct *task, u64 now_ns, u64 what)
{
	u64 since_ns = observed_since(task);

	if (now_ns > since_ns)
		lsp_why_times_add(this_cpu_read(times_own), what, now_ns - since_ns);
}

static noinline void in_seldom(const struct lsp_task *t, struct task_struct *next, u64 now_ns)
{
	before_add(next, now_ns, what_before(next));
	lsp_why_begin(t->why, now_ns);
}

static __always_inline void switch_in(const struct lsp_task *t, struct task_struct *next, u64 now_ns)
{
	u64 woken_ns = READ_ONCE(t->why->woken_ns);

	if (unlikely(!t->why->known)) {
		in_seldom(t, next, now_ns);
		return;
	}
	/* See on_waking(). */
	if (t->state == LSP_TASK_WOKEN && t->wake_ns > woken_ns)
		woken_ns = t->wake_ns;
	lsp_why_in(t->why, now_ns, woken_ns, this_cpu_read(times_own));
}

/* The entry of @prev, whose switch to this processor nobody saw, if @prev is observed. */
static noinline struct lsp_task *out_seldom(struct task_struct *prev)
{
	struct lsp_task *t = why_task(prev);
	u64 since_ns;

	if (t && !t->why->known) {
		since_ns = running_since(prev, ktime_get_mono_fast_ns());
		before_add(prev, since_ns, LSP_WHY_WHAT(UNKNOWN));
		lsp_why_begin(t->why, since_ns);
	}
	return t;
}

/* The lock of the run queue is held. */
static void on_switch(void *unused, bool preempt, struct task_struct *prev, struct task_struct *next
		      LSP_SWITCH_ARGUMENT)
{
	struct lsp_task *out, *in;
	u64 now_ns;

	check_trace_callback_type_sched_switch(on_switch);
	if (!READ_ONCE(lsp_span_recording))
		return;
	out = this_cpu_read(lsp_task_running);
	if (!out || unlikely(out->task != prev))
		out = out_seldom(prev);
	in = why_task(next);
	this_cpu_write(lsp_task_running, in);
	if (!out && !in)
		return;
	now_ns = ktime_get_mono_fast_ns();
	if (out)
		lsp_why_out(out->why, now_ns, lsp_switch_slept(preempt, prev) ? why_asleep(out) : LSP_WHY_WHAT(RUNNABLE));
	if (in)
		switch_in(in, next, now_ns);
}

/*
 * @task has a sleep that is to end. It may be woken by any processor, so only the time is noted. A thread that a release has
 * just taken off its queue has that time already.
 */
static void on_waking(void *unused, struct task_struct *task)
{
	struct lsp_task *t;

	check_trace_callback_type_sched_waking(on_waking);
	if (!task->mm || !READ_ONCE(lsp_span_recording))
		return;
	t = lsp_task_by_task(task);
	if (!t || (READ_ONCE(t->state) == LSP_TASK_WOKEN && READ_ONCE(t->wake_ns) > READ_ONCE(t->why->last_ns)))
		return;
	WRITE_ONCE(t->why->woken_ns, ktime_get_mono_fast_ns());
}

int lsp_why_arm(void)
{
	int ret;

	if (!times)
		return 0;
	ret = tracepoint_probe_register(tracepoint_switch, on_switch, NULL);
	if (ret)
		return ret;
	ret = tracepoint_probe_register(tracepoint_waking, on_waking, NULL);
	if (ret)
		tracepoint_probe_unregister(tracepoint_switch, on_switch, NULL);
	armed = !ret;
	return ret;
}

void lsp_why_disarm(void)
{
	if (!armed)
		return;
	tracepoint_probe_unregister(tracepoint_waking, on_waking, NULL);
	tracepoint_probe_unregister(tracepoint_switch, on_switch, NULL);
	armed = false;
}

void lsp_why_exit(struct task_struct *task)
{
	const struct lsp_task *t;
	unsigned long flags;

	if (!times)
		return;
	local_irq_save(flags);
	t = lsp_task_by_task(task);
	if (t && t->task == task && t->why->known)
		lsp_why_end(t->why, min(ktime_get_mono_fast_ns(), READ_ONCE(frozen_ns)), this_cpu_read(times_own));
	local_irq_restore(flags);
}

/* ---- the sums, at STOP ---- */

static void thread_end(struct lsp_task *t, void *unused)
{
	if (t->why->known)
		lsp_why_end(t->why, frozen_ns, &times[0]);
}

/* A thread that has no entry was never put on a processor. If it is on one, it was there all the time. */
static void absent_add(struct task_struct *task)
{
	u64 what = what_before(task);

	if (!lsp_filter_task(task) || lsp_task_by_task(task))
		return;
	if (lsp_task_on_cpu(task) && !READ_ONCE(crowded))
		what = LSP_WHY_WHAT(RUNNING);
	before_add(task, frozen_ns, what);
}

static void absent_add_all(void)
{
	struct task_struct *process, *task;

	preempt_disable();
	rcu_read_lock();
	for_each_process_thread(process, task)
		absent_add(task);
	rcu_read_unlock();
	preempt_enable();
}

static void times_sum(void)
{
	unsigned int cpu;
	u64 what;
	u32 i;

	for_each_possible_cpu(cpu)
		for (i = 0; cpu && i < LSP_WHY_TIMES; i++)
			*lsp_why_times_at(&times[0], i, &what) += *lsp_why_times_at(&times[cpu], i, &what);
}

#define TIMES_PARTS 32

static void times_put(const struct lockspan_why_part *parts, u32 n, void (*room)(void))
{
	u32 bytes = sizeof(struct lockspan_times) + n * sizeof(*parts);
	struct lockspan_times *to;

	if (!n)
		return;
	room();
	to = lsp_ring_worker_reserve(bytes);
	if (!to) {
		lsp_count(LOCKSPAN_C_LOST_TIMES_RING);
		return;
	}
	to->rec = (struct lockspan_rec){ .bytes = bytes, .type = LOCKSPAN_REC_TIMES };
	memcpy(to + 1, parts, n * sizeof(*parts));
	lsp_ring_worker_commit(bytes);
}

void lsp_why_times_send(void (*room)(void))
{
	struct lockspan_why_part parts[TIMES_PARTS];
	u32 i, n = 0;

	if (!times)
		return;
	lsp_task_each(thread_end, NULL);
	absent_add_all();
	times_sum();
	for (i = 0; i < LSP_WHY_TIMES; i++) {
		parts[n].ns = *lsp_why_times_at(&times[0], i, &parts[n].what);
		n += !!parts[n].ns;
		if (n == TIMES_PARTS) {
			times_put(parts, n, room);
			n = 0;
		}
	}
	times_put(parts, n, room);
}

/* ---- the parts of a hold ---- */

u32 lsp_why_parts_seldom(const struct lsp_why_hold *hold, const struct lsp_why_crowd *crowd, struct lockspan_why_part *to,
			 u16 *flags)
{
	const struct lsp_task *t = lsp_task_by_stack((unsigned long)current->stack);
	const struct lsp_why_history *h = t && t->why->known ? t->why : NULL;
	u64 since_ns = hold->now_ns;
	u32 parts;

	if (!h && lsp_filter_task(current))
		since_ns = running_since(current, hold->now_ns);
	parts = lsp_why_split(h, since_ns, crowd, hold, to, flags);
	if (*flags & LOCKSPAN_RELEASE_SUMMED)
		lsp_count(LOCKSPAN_C_WHY_SUMMED);
	if (*flags & LOCKSPAN_RELEASE_EVEN)
		lsp_count(LOCKSPAN_C_WHY_EVEN);
	return parts;
}
