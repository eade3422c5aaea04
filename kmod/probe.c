// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include <linux/hrtimer.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "filter.h"
#include "futexq.h"
#include "maps.h"
#include "task.h"
#include "wait.h"
#include "wake.h"

/* What a kretprobe keeps between entry and return, one per sleeping thread. */
struct wait_call {
	struct lsp_task *task;		/* NULL: not observed, kept only to learn from */
	struct hrtimer_sleeper *to;	/* the waiter's own timer, on its stack */
	const void *q;
};

static int call_begin(struct kretprobe_instance *ri, const void *q, const void *lock,
		      unsigned long to)
{
	struct wait_call *call = (struct wait_call *)ri->data;

	call->task = lsp_wait_begin(q, lock);
	call->to = (struct hrtimer_sleeper *)to;
	call->q = q;
	/* Non-zero gives the instance back at once. */
	return !call->task && !lsp_futexq_unknown();
}

static int call_end(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct wait_call *call = (struct wait_call *)ri->data;
	enum lsp_wait_end why = LSP_WAIT_OTHER;

	/* Now, after it was queued and before its frame is left, q is complete. */
	if (unlikely(lsp_futexq_unknown()))
		lsp_wait_learn(call->q);
	if (!call->task)
		return 0;
	/* The timer clears its task when it fires. */
	if (call->to && !READ_ONCE(call->to->task))
		why = LSP_WAIT_TIMER;
	else if (signal_pending(current))
		why = LSP_WAIT_SIGNAL;
	lsp_wait_end(call->task, why);
	return 0;
}

/* futex_do_wait(q, to) */
static int do_wait_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return call_begin(ri, (const void *)regs_get_kernel_argument(regs, 0), NULL,
			  regs_get_kernel_argument(regs, 1));
}

/* futex_wait_queue(hb, q, to), futex_wait_queue_me(hb, q, to) */
static int wait_queue_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return call_begin(ri, (const void *)regs_get_kernel_argument(regs, 1), NULL,
			  regs_get_kernel_argument(regs, 2));
}

/* rt_mutex_wait_proxy_lock(lock, to, waiter) */
static int wait_pi_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return call_begin(ri, NULL, (const void *)regs_get_kernel_argument(regs, 0),
			  regs_get_kernel_argument(regs, 1));
}

/* futex_wait_multiple(vs, count, to) */
static int wait_vector_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return call_begin(ri, (const void *)regs_get_kernel_argument(regs, 0), NULL,
			  regs_get_kernel_argument(regs, 2));
}

/* futex_wait_setup(uaddr, val, flags, q, key2, task) queues q already; task is NULL for io_uring. */
static int prepare_entry(struct kprobe *kp, struct pt_regs *regs)
{
	if (regs_get_kernel_argument(regs, 5) == (unsigned long)current)
		lsp_wait_prepare((const void *)regs_get_kernel_argument(regs, 3));
	return 0;
}

/* futex_wake_mark(wake_q, q), mark_wake_futex(wake_q, q) */
static int wake_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wake_q((const void *)regs_get_kernel_argument(regs, 1));
	return 0;
}

/* wake_q_add(head, task) */
static int wake_pi_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wake_pi((struct task_struct *)regs_get_kernel_argument(regs, 1));
	return 0;
}

/* wake_up_state(task, state): a requeue_pi call grants the lock so; signals wake other states. */
static int wake_state_entry(struct kprobe *kp, struct pt_regs *regs)
{
	struct task_struct *task = (struct task_struct *)regs_get_kernel_argument(regs, 0);

	if (regs_get_kernel_argument(regs, 1) == TASK_NORMAL) {
		/* A mutex that was free is granted without a word: the waiter moves and is woken in one. */
		lsp_wake_requeue_pi(task, NULL);
		lsp_wake_pi(task);
	}
	return 0;
}

static int requeue_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wake_requeues();
	return 0;
}

/* rt_mutex_start_proxy_lock(lock, waiter, task): only requeue_pi queues another task than its own */
static int requeue_pi_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wake_requeue_pi((struct task_struct *)regs_get_kernel_argument(regs, 2),
			    (const void *)regs_get_kernel_argument(regs, 0));
	return 0;
}

/* io_futex_wait(req, issue_flags): nobody sleeps there, so there is no span. */
static int io_uring_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wait_io_uring();
	return 0;
}

/* perf_event_mmap(vma): after every mmap and mprotect. */
static int mappings_entry(struct kprobe *kp, struct pt_regs *regs)
{
	const struct vm_area_struct *vma = (void *)regs_get_kernel_argument(regs, 0);

	/* A chosen process is read ahead; when all are recorded, that would be every exec of the machine. */
	if (vma->vm_flags & VM_EXEC)
		lsp_maps_changed(!lsp_filter_all() && lsp_filter_current(false));
	return 0;
}

/*
 * One function to listen to. Entries of one name are the same function under
 * the names that it has had: the first that this kernel knows is taken.
 */
struct lsp_probe {
	const char *name;
	const char *symbol;
	/* Either of these: @begin makes it a kretprobe that ends in call_end(). */
	int (*begin)(struct kretprobe_instance *ri, struct pt_regs *regs);
	int (*handler)(struct kprobe *kp, struct pt_regs *regs);
	const char *only_with;	/* not needed unless this symbol was taken too */
	bool optional;
	bool found;
	bool armed;
	union {
		struct kprobe kp;
		struct kretprobe krp;
	};
};

/* Wakers stand before waiters: a wait that begins while probes are armed must not miss its wake. */
static struct lsp_probe probes[] = {
	{ .name = "wake", .symbol = "futex_wake_mark", .handler = wake_entry },
	{ .name = "wake", .symbol = "mark_wake_futex", .handler = wake_entry },
	{ .name = "wake_pi", .symbol = "wake_q_add", .handler = wake_pi_entry },
	{ .name = "wake_pi_requeued", .symbol = "wake_up_state", .handler = wake_state_entry },
	{ .name = "requeue", .symbol = "futex_requeue", .handler = requeue_entry },
	{ .name = "requeue_pi", .symbol = "rt_mutex_start_proxy_lock", .handler = requeue_pi_entry },
	{ .name = "mappings", .symbol = "perf_event_mmap", .handler = mappings_entry },
	{ .name = "io_uring", .symbol = "io_futex_wait", .handler = io_uring_entry, .optional = true },
	{ .name = "prepare", .symbol = "futex_wait_setup", .handler = prepare_entry,
	  .only_with = "futex_do_wait" },
	{ .name = "wait", .symbol = "futex_do_wait", .begin = do_wait_entry },
	{ .name = "wait", .symbol = "futex_wait_queue", .begin = wait_queue_entry },
	{ .name = "wait", .symbol = "futex_wait_queue_me", .begin = wait_queue_entry },
	{ .name = "wait_pi", .symbol = "rt_mutex_wait_proxy_lock", .begin = wait_pi_entry },
	{ .name = "wait_vector", .symbol = "futex_wait_multiple", .begin = wait_vector_entry,
	  .optional = true },
};

static struct tracepoint *tracepoint_fork, *tracepoint_exit;

/* Whether a probe could stand on @symbol; -ENOMEM when that cannot be told. */
static int symbol_exists(const char *symbol)
{
	struct kprobe kp = { .symbol_name = symbol, .flags = KPROBE_FLAG_DISABLED };
	int ret = register_kprobe(&kp);

	if (ret)
		return ret == -ENOMEM ? ret : 0;
	unregister_kprobe(&kp);
	return 1;
}

static const struct lsp_probe *probe_found(const char *name, const char *symbol)
{
	const struct lsp_probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		if (p->found && ((name && !strcmp(p->name, name)) ||
				 (symbol && !strcmp(p->symbol, symbol))))
			return p;
	return NULL;
}

static void tracepoint_look(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "sched_process_fork"))
		tracepoint_fork = tp;
	else if (!strcmp(tp->name, "sched_process_exit"))
		tracepoint_exit = tp;
}

int lsp_probe_init(void)
{
	struct lsp_probe *p;
	int ret;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		ret = probe_found(p->name, NULL) ? 0 : symbol_exists(p->symbol);
		if (ret < 0)
			return ret;
		p->found = ret;
	}
	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		if (p->only_with && !probe_found(NULL, p->only_with)) {
			p->found = false;
		} else if (!p->optional && !probe_found(p->name, NULL)) {
			pr_err("lockspan: no function for probe '%s' (last tried %s): this kernel is not supported\n",
			       p->name, p->symbol);
			return -ENOENT;
		}
	}
	for_each_kernel_tracepoint(tracepoint_look, NULL);
	if (!tracepoint_fork || !tracepoint_exit) {
		pr_err("lockspan: no tracepoint sched_process_fork or sched_process_exit\n");
		return -ENOENT;
	}
	return 0;
}

static void on_fork(void *unused, struct task_struct *parent, struct task_struct *child)
{
	lsp_filter_fork(parent, child);
}

static void on_exit(void *unused, struct task_struct *task)
{
	lsp_task_exit(task);
	lsp_filter_exit(task);
}

static int probe_register(struct lsp_probe *p, u32 max_parked)
{
	int ret;

	if (p->begin) {
		memset(&p->krp, 0, sizeof(p->krp));
		p->krp.kp.symbol_name = p->symbol;
		p->krp.entry_handler = p->begin;
		p->krp.handler = call_end;
		p->krp.data_size = sizeof(struct wait_call);
		p->krp.maxactive = max_parked;
		ret = register_kretprobe(&p->krp);
	} else {
		memset(&p->kp, 0, sizeof(p->kp));
		p->kp.symbol_name = p->symbol;
		p->kp.pre_handler = p->handler;
		ret = register_kprobe(&p->kp);
	}
	p->armed = !ret;
	if (ret)
		pr_err("lockspan: cannot put probe '%s' on %s: %d\n", p->name, p->symbol, ret);
	return ret;
}

int lsp_probe_arm(u32 max_parked)
{
	struct lsp_probe *p;
	int ret;

	ret = tracepoint_probe_register(tracepoint_exit, on_exit, NULL);
	if (ret)
		return ret;
	ret = tracepoint_probe_register(tracepoint_fork, on_fork, NULL);
	if (ret)
		goto err_exit;
	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		ret = p->found ? probe_register(p, max_parked) : 0;
		if (ret)
			goto err_probes;
	}
	return 0;

err_probes:
	lsp_probe_disarm();
	lsp_probe_release();
	return ret;
err_exit:
	tracepoint_probe_unregister(tracepoint_exit, on_exit, NULL);
	tracepoint_synchronize_unregister();
	return ret;
}

static void probes_unregister(void)
{
	/* Batches, so that one grace period serves all of a kind. */
	struct kprobe *kps[ARRAY_SIZE(probes)];
	struct kretprobe *krps[ARRAY_SIZE(probes)];
	int nkps = 0, nkrps = 0;
	struct lsp_probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		if (!p->armed)
			continue;
		if (p->begin)
			krps[nkrps++] = &p->krp;
		else
			kps[nkps++] = &p->kp;
	}
	/* Waiters first: a wait whose wake nobody sees any more must not begin. */
	unregister_kretprobes(krps, nkrps);
	unregister_kprobes(kps, nkps);
}

void lsp_probe_disarm(void)
{
	struct lsp_probe *p;

	probes_unregister();
	tracepoint_probe_unregister(tracepoint_fork, on_fork, NULL);
	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		p->armed = false;
}

void lsp_probe_release(void)
{
	tracepoint_probe_unregister(tracepoint_exit, on_exit, NULL);
	/* Handlers of tracepoints and what probes left running are through after this. */
	tracepoint_synchronize_unregister();
}

bool lsp_probe_state(unsigned int index, struct lsp_probe_state *ret)
{
	const struct lsp_probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		/* One line a name: the variant in use, or the last one tried where there is none. */
		bool shown = p->found || (!probe_found(p->name, NULL) &&
					  (p + 1 == probes + ARRAY_SIZE(probes) ||
					   strcmp(p[1].name, p->name)));

		if (!shown || index--)
			continue;
		ret->name = p->name;
		ret->symbol = p->found ? p->symbol : NULL;
		ret->missed = p->begin ? p->krp.nmissed + p->krp.kp.nmissed : p->kp.nmissed;
		return true;
	}
	return false;
}
