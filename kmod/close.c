// SPDX-License-Identifier: GPL-2.0-only
/*
 * The probes are removed between the freeze and the worker's last look at the threads. In that time
 * a thread that wakes up closes its own wait, as long as the probe of its end is still there. A
 * thread that exits leaves its entry behind. The worker closes the waits that are left.
 */
#include "close.h"

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/ptrace.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>

#include "counter.h"
#include "ring.h"
#include "span.h"
#include "ustack.h"
#include "widen.h"

/* How long at most STOP waits for threads that were woken and have not run yet, and how often it looks. */
#define SETTLE_MS 50
#define SETTLE_LOOK_MS 2

static u64 frozen_ns;

void lsp_close_freeze(u64 stop_ns)
{
	frozen_ns = stop_ns;
	/* Pairs with the barrier in close_leave(): whoever sees the freeze also sees its time. */
	smp_store_release(&lsp_span_recording, false);
}

static void count_woken(struct lsp_task *t, void *arg)
{
	*(bool *)arg |= READ_ONCE(t->state) == LSP_TASK_WOKEN;
}

void lsp_close_settle(void)
{
	unsigned long until = jiffies + msecs_to_jiffies(SETTLE_MS);
	bool woken;

	do {
		msleep(SETTLE_LOOK_MS);
		woken = false;
		lsp_task_each(count_woken, &woken);
	} while (woken && time_before(jiffies, until));
}

/* Takes a wait that is open or woken out of the ledger, at the time of STOP. The lock of @t is held. */
static void close_leave(struct lsp_task *t)
{
	struct lsp_ledger *ledger = &t->key->ledger;
	bool woken = t->state == LSP_TASK_WOKEN;
	struct lsp_ledger_rest rest;

	smp_rmb();
	raw_spin_lock(&t->key->lock);
	t->run_ns = lsp_ledger_time(ledger, frozen_ns);
	if (woken) {
		t->handoff_ns += lsp_ledger_run(ledger, &t->wait, t->run_ns);
	} else {
		rest = lsp_ledger_leave(ledger, &t->wait, t->run_ns, LSP_LEDGER_GONE);
		t->tail_ns += rest.tail_ns;
		t->handoff_ns += rest.handoff_ns;
	}
	raw_spin_unlock(&t->key->lock);
	t->outcome = woken ? LOCKSPAN_WOKEN : LOCKSPAN_OPEN;
	t->state = LSP_TASK_IDLE;
	lsp_span_count(t);
}

/* No draw has decided about these spans: all of them are sent. So each counts once, at rate 1. */
static void close_fill(struct lockspan_span *s, const struct lsp_task *t, const char *comm, u64 stack)
{
	lsp_span_fill(s, t, comm, stack, 1);
	s->outcome = t->outcome;
	s->rec.flags = t->flags;
}

static void close_sent(u8 outcome)
{
	if (outcome != LOCKSPAN_OPEN)
		lsp_count(LOCKSPAN_C_KEPT);
}

void lsp_close_own(struct lsp_task *t)
{
	u64 stack = lsp_ustack_current();
	struct lockspan_span *s = lsp_ring_reserve(sizeof(*s));

	if (!s)
		return;
	close_leave(t);
	close_fill(s, t, current->comm, stack);
	lsp_ring_commit(sizeof(*s));
	close_sent(t->outcome);
}

void lsp_close_open(struct lsp_task *t)
{
	struct task_struct *task;
	struct lockspan_span span, *s;
	struct pt_regs regs;
	unsigned long nvcsw;

	raw_spin_lock_irq(&t->lock);
	if (!lsp_task_waits(t)) {
		raw_spin_unlock_irq(&t->lock);
		return;
	}
	/*
	 * An exiting thread takes this lock before it leaves its stack. So the registers can still
	 * be read here.
	 */
	task = t->task;
	if (task) {
		get_task_struct(task);
		regs = *task_pt_regs(task);
	}
	close_leave(t);
	close_fill(&span, t, task ? task->comm : t->comm, 0);
	nvcsw = t->nvcsw;
	raw_spin_unlock_irq(&t->lock);

	lsp_widen(LSP_WIDEN_CLOSE);
	if (task) {
		span.stack = lsp_ustack_sleeping(task, &regs, nvcsw);
		put_task_struct(task);
	}
	s = lsp_ring_worker_reserve(sizeof(*s));
	if (!s) {
		lsp_count(span.outcome == LOCKSPAN_OPEN ? LOCKSPAN_C_LOST_OPEN_RING :
							  LOCKSPAN_C_LOST_SPAN_RING);
		return;
	}
	*s = span;
	lsp_ring_worker_commit(sizeof(*s));
	close_sent(span.outcome);
}
