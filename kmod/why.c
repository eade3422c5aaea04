// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

#include <linux/sched.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <asm/syscall.h>
#include <trace/events/sched.h>

#include "compat.h"
#include "counter.h"
#include "filter.h"
#include "span.h"

static struct tracepoint *tracepoint_switch, *tracepoint_waking;
static bool wanted;
static bool armed;
static bool crowded;	/* a thread had no entry once: what it did is not known */
static u64 session_ns;

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

void lsp_why_start(bool want, u64 start_ns)
{
	wanted = want;
	session_ns = start_ns;
	crowded = false;
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

/* Since when a thread that is observed has run if nobody saw it being put on a processor. */
static u64 running_since(const struct task_struct *task, u64 now_ns)
{
	return READ_ONCE(crowded) ? now_ns : max(session_ns, (u64)task->start_time);
}

static __always_inline void switch_in(const struct lsp_task *t, u64 now_ns)
{
	u64 woken_ns = READ_ONCE(t->why->woken_ns);

	if (unlikely(!t->why->known)) {
		lsp_why_begin(t->why, now_ns);
		return;
	}
	/* See on_waking(). */
	if (t->state == LSP_TASK_WOKEN && t->wake_ns > woken_ns)
		woken_ns = t->wake_ns;
	lsp_why_in(t->why, now_ns, woken_ns);
}

/* The entry of @prev, whose switch to this processor nobody saw, if @prev is observed. */
static noinline struct lsp_task *out_seldom(struct task_struct *prev)
{
	struct lsp_task *t = why_task(prev);

	if (t && !t->why->known)
		lsp_why_begin(t->why, running_since(prev, ktime_get_mono_fast_ns()));
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
		switch_in(in, now_ns);
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

	if (!wanted)
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
