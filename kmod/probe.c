// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <trace/events/sched.h>

#include "compat.h"
#include "filter.h"
#include "futexq.h"
#include "hook.h"
#include "maps.h"
#include "needs.h"
#include "task.h"
#include "trial.h"
#include "wait.h"
#include "wake.h"
#include "why.h"
#include "widen.h"

/* A kernel without CONFIG_FUTEX_PI has no PI futexes, and lacks the functions that are probed for them. */
#define NO_PI !IS_ENABLED(CONFIG_FUTEX_PI)

static bool hooks = true;
module_param(hooks, bool, 0444);
MODULE_PARM_DESC(hooks, "Listen to the hot futex functions without kprobes where the kernel can (default Y)");

static int call_begin(struct kretprobe_instance *ri, const void *q, const void *lock,
		      unsigned long to)
{
	struct wait_call *call = (struct wait_call *)ri->data;

	call->task = lsp_wait_begin(q, lock, (const struct hrtimer_sleeper *)to);
	call->q = q;
	/* A value other than zero gives the instance back at once. */
	return !call->task && !lsp_futexq_unknown();
}

static int call_end(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct wait_call *call = (struct wait_call *)ri->data;

	/* Here @q is complete: it has been queued, and the frame that it lies in still exists. */
	if (unlikely(lsp_futexq_unknown()))
		lsp_wait_learn(call->q);
	if (call->task)
		lsp_wait_end(call->task);
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

/* futex_wait_setup(uaddr, val, flags, q, key2, task) puts q on its queue; task is NULL for io_uring. */
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

/* wake_up_state(task, state): waiters for PI mutexes are woken so; signals wake other states. */
static int wake_state_entry(struct kprobe *kp, struct pt_regs *regs)
{
	if (regs_get_kernel_argument(regs, 1) == TASK_NORMAL)
		lsp_wake_state((struct task_struct *)regs_get_kernel_argument(regs, 0));
	return 0;
}

static int requeue_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wake_requeues();
	return 0;
}

/* rt_mutex_start_proxy_lock(lock, waiter, task): a task other than the current one is being requeued. */
static int requeue_pi_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wake_requeue_pi((struct task_struct *)regs_get_kernel_argument(regs, 2),
			    (const void *)regs_get_kernel_argument(regs, 0));
	return 0;
}

/*
 * futex_wait_requeue_pi(...) returns. hooked_end() does not see the end of its first wait, so that
 * wait ends here.
 */
static int requeue_pi_end(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	lsp_wait_end_requeue_pi((int)regs_return_value(regs));
	return 0;
}

/* io_futex_wait(req, issue_flags): no thread sleeps in it, so it makes no span. */
static int io_uring_entry(struct kprobe *kp, struct pt_regs *regs)
{
	lsp_wait_io_uring();
	return 0;
}

/* A mapping of the current process is new, or has changed, and its memory map is locked for writing. */
static void mapping_changed(struct vm_area_struct *vma)
{
	bool recorded;

	if (vma->vm_flags & VM_EXEC && vma->vm_mm == current->mm) {
		recorded = lsp_filter_current(false);
		/*
		 * If every process is recorded, mappings are sent only when a stack needs them.
		 * Otherwise each exec of the machine would send some.
		 */
		lsp_maps_changed(vma, recorded, recorded && !lsp_filter_all());
	}
}

/* perf_event_mmap(vma) is called after every mmap and mprotect. */
static int mappings_entry(struct kprobe *kp, struct pt_regs *regs)
{
	mapping_changed((struct vm_area_struct *)regs_get_kernel_argument(regs, 0));
	return 0;
}

/*
 * copy_vma() returns the mapping that mremap() moves another one to, or NULL. vma_merge_extend() returns the
 * mapping that has become larger, or NULL.
 */
static int mapping_end(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct vm_area_struct *vma = (struct vm_area_struct *)regs_return_value(regs);

	if (vma)
		mapping_changed(vma);
	return 0;
}

/* ---- the same without kprobes ---- */

static void hooked_wake(struct ftrace_regs *regs)
{
	lsp_wake_q((const void *)lsp_hook_argument(regs, 1));
}

static void hooked_prepare(struct ftrace_regs *regs)
{
	if (lsp_hook_argument(regs, 5) == (unsigned long)current)
		lsp_wait_prepare((const void *)lsp_hook_argument(regs, 3));
}

static void hooked_do_wait(struct ftrace_regs *regs)
{
	lsp_wait_begin((const void *)lsp_hook_argument(regs, 0), NULL,
		       (const struct hrtimer_sleeper *)lsp_hook_argument(regs, 1));
}

static void hooked_wait_queue(struct ftrace_regs *regs)
{
	lsp_wait_begin((const void *)lsp_hook_argument(regs, 1), NULL,
		       (const struct hrtimer_sleeper *)lsp_hook_argument(regs, 2));
}

/*
 * futex_unqueue(q) is the first function that a waiter calls after the blocking function. A call of
 * WAIT_REQUEUE_PI does not call it. Its wait ends a few instructions later, when it begins to sleep
 * on the mutex or returns.
 */
static void hooked_end(struct ftrace_regs *regs)
{
	const void *q = (const void *)lsp_hook_argument(regs, 0);

	if (unlikely(lsp_futexq_unknown()))
		lsp_wait_learn(q);
	lsp_wait_end_q(q);
}

/*
 * The probes of wakers come first, so that a wait that begins while probes are being armed does not
 * miss its wake.
 */
static struct lsp_probe probes[] = {
	{ .name = "wake", .symbol = "futex_wake_mark", .handler = wake_entry, .hook = hooked_wake,
	  .rehearsed = true },
	{ .name = "wake", .symbol = "mark_wake_futex", .handler = wake_entry, .rehearsed = true },
	{ .name = "wake_pi", .symbol = "wake_q_add", .handler = wake_pi_entry, .rehearsed = !NO_PI },
	{ .name = "wake_pi_requeued", .symbol = "wake_up_state", .handler = wake_state_entry },
	{ .name = "requeue", .symbol = "futex_requeue", .handler = requeue_entry, .rehearsed = !NO_PI },
	{ .name = "requeue_pi", .symbol = "rt_mutex_start_proxy_lock", .handler = requeue_pi_entry,
	  .optional = NO_PI, .rehearsed = !NO_PI },
	{ .name = "mappings", .symbol = "perf_event_mmap", .handler = mappings_entry, .rehearsed = true },
	/* Its caller has locked the memory map, so a process is in it once at a time. */
	{ .name = "moved", .symbol = "copy_vma", .end = mapping_end, .at_once = 256,
	  .rehearsed = true },
	/* mremap() makes a mapping larger where it is. Kernels before 6.7 have no function for that alone. */
	{ .name = "grown", .symbol = "vma_merge_extend", .end = mapping_end, .at_once = 256,
	  .optional = true },
	{ .name = "io_uring", .symbol = "io_futex_wait", .handler = io_uring_entry, .optional = true },
	{ .name = "prepare", .symbol = "futex_wait_setup", .handler = prepare_entry,
	  .hook = hooked_prepare, .only_with = "futex_do_wait", .rehearsed = true },
	{ .name = "wait", .symbol = "futex_do_wait", .begin = do_wait_entry, .hook = hooked_do_wait,
	  .rehearsed = true },
	{ .name = "wait", .symbol = "futex_wait_queue", .begin = wait_queue_entry,
	  .hook = hooked_wait_queue, .rehearsed = true },
	{ .name = "wait", .symbol = "futex_wait_queue_me", .begin = wait_queue_entry, .rehearsed = true },
	{ .name = "wait_pi", .symbol = "rt_mutex_wait_proxy_lock", .begin = wait_pi_entry, .optional = NO_PI,
	  .rehearsed = !NO_PI },
	{ .name = "wait_vector", .symbol = "futex_wait_multiple", .begin = wait_vector_entry,
	  .optional = true },
	{ .name = "wait_end", .symbol = "futex_unqueue", .hook = hooked_end, .only_hooked = true,
	  .rehearsed = true },
	{ .name = "requeue_pi_end", .symbol = "futex_wait_requeue_pi", .end = requeue_pi_end,
	  .only_hooked = true, .optional = NO_PI, .rehearsed = !NO_PI },
};

static bool hooked;	/* whether this session has hooks */

static struct tracepoint *tracepoint_fork, *tracepoint_exit;

/* Whether a probe can be put on the symbol: 1 or 0. -ENOMEM: that cannot be told. */
static int symbol_find(struct lsp_probe *p)
{
	struct kprobe kp = { .symbol_name = p->symbol, .flags = KPROBE_FLAG_DISABLED };
	int ret = register_kprobe(&kp);

	if (ret)
		return ret == -ENOMEM ? ret : 0;
	p->entry = kp.flags & KPROBE_FLAG_FTRACE ? (unsigned long)kp.addr : 0;
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

/* All hooks can be put, or none is: a wait that a hook has begun can be ended only by a hook. */
static bool hooks_possible(void)
{
	const struct lsp_probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		if (p->only_hooked && !p->found && !p->optional)
			return false;
		if (p->hook && p->found && !p->entry)
			return false;
	}
	return lsp_hook_supported();
}

int lsp_probe_init(void)
{
	struct lsp_probe *p;
	int ret;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		ret = probe_found(p->name, NULL) ? 0 : symbol_find(p);
		if (ret < 0)
			return ret;
		p->found = ret;
	}
	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		if (p->only_with && !probe_found(NULL, p->only_with)) {
			p->found = false;
		} else if (!p->optional && !p->only_hooked && !probe_found(p->name, NULL)) {
			pr_err("lockspan: no function for probe '%s' (last tried %s): this kernel is not supported\n",
			       p->name, p->symbol);
			return -ENOENT;
		}
	}
	hooks = hooks && hooks_possible();
	for_each_kernel_tracepoint(tracepoint_look, NULL);
	if (!tracepoint_fork || !tracepoint_exit) {
		pr_err("lockspan: no tracepoint sched_process_fork or sched_process_exit\n");
		return -ENOENT;
	}
	return lsp_why_init();
}

static void on_fork(void *unused, struct task_struct *parent, struct task_struct *child)
{
	check_trace_callback_type_sched_process_fork(on_fork);
	lsp_filter_fork(parent, child);
	preempt_disable();
	lsp_maps_forked(parent->mm, child->mm, child->tgid);
	preempt_enable();
}

static void on_exit(void *unused, struct task_struct *task LSP_EXIT_ARGUMENT)
{
	/*
	 * The kernel calls on_exit() by its address. This checks at compile time that its arguments
	 * are right.
	 */
	check_trace_callback_type_sched_process_exit(on_exit);
	lsp_wait_exit(task);
	lsp_widen(LSP_WIDEN_EXIT);
	lsp_why_exit(task);
	lsp_task_exit(task);
	lsp_filter_exit(task);
}

/* Whether @p plays a probe on a function that is never called, which only the storms' module does. */
static bool probe_is_deaf(const struct lsp_probe *p)
{
	return lsp_widen_value(LSP_WIDEN_DEAF) == p - probes + 1;
}

static int probe_register(struct lsp_probe *p, u32 max_parked, bool trial)
{
	int ret;

	if (probe_is_deaf(p))
		return 0;
	if (p->begin || p->end) {
		memset(&p->krp, 0, sizeof(p->krp));
		p->krp.kp.symbol_name = p->symbol;
		p->krp.entry_handler = trial && p->begin ? lsp_trial_entry : p->begin;
		p->krp.handler = trial ? lsp_trial_return : p->begin ? call_end : p->end;
		p->krp.data_size = sizeof(struct wait_call);
		p->krp.maxactive = p->at_once ?: max_parked;
		ret = register_kretprobe(&p->krp);
	} else {
		memset(&p->kp, 0, sizeof(p->kp));
		if (lsp_widen_value(LSP_WIDEN_BREAK) && p->entry)
			p->kp.addr = (kprobe_opcode_t *)(p->entry + LSP_ENTRY_CALL_BYTES);
		else
			p->kp.symbol_name = p->symbol;
		p->kp.pre_handler = trial ? lsp_trial_handler : p->handler;
		ret = register_kprobe(&p->kp);
	}
	p->armed = !ret;
	if (ret)
		pr_err("lockspan: cannot put probe '%s' on %s: %d\n", p->name, p->symbol, ret);
	return ret;
}

/*
 * Arms the hooks, or kprobes in their place if ftrace refuses the hooks. While ftrace is turned
 * off, kprobes on its call sites would see nothing either, so arming fails: better no recording
 * than one that is silently empty.
 */
static int hooks_arm(bool trial)
{
	struct lsp_probe *p;
	unsigned int n = 0;
	int ret;

	hooked = hooks && !lsp_widen_value(LSP_WIDEN_BREAK);
	if (!hooked)
		return lsp_hook_guard();
	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		if (p->found && p->hook && !probe_is_deaf(p))
			lsp_hook_add(p->entry, trial ? lsp_trial_hook(n++, p) : p->hook);
	ret = lsp_hook_arm();
	if (ret && ret != -ENOMEM && ret != -ENXIO) {
		hooked = false;
		ret = lsp_hook_guard();
	}
	hooked = hooked && !ret;
	return ret;
}

/* Gives the armed probes the handlers of the recording in place of those of the rehearsal. */
static void probes_perform(void)
{
	struct lsp_probe *p;
	unsigned int n = 0;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		if (hooked && p->found && p->hook && !probe_is_deaf(p)) {
			lsp_hook_change(n++, p->hook);
		} else if (p->armed && (p->begin || p->end)) {
			if (p->begin)
				WRITE_ONCE(p->krp.entry_handler, p->begin);
			WRITE_ONCE(p->krp.handler, p->begin ? call_end : p->end);
		} else if (p->armed) {
			WRITE_ONCE(p->kp.pre_handler, p->handler);
		}
	}
}

int lsp_probe_arm(u32 max_parked, bool trial)
{
	struct lsp_probe *p;
	int ret;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		p->heard = false;
	ret = tracepoint_probe_register(tracepoint_exit, on_exit, NULL);
	if (ret)
		return ret;
	ret = tracepoint_probe_register(tracepoint_fork, on_fork, NULL);
	if (ret)
		goto err_exit;
	ret = lsp_why_arm();
	if (!ret)
		ret = hooks_arm(trial);
	for (p = probes; p < probes + ARRAY_SIZE(probes) && !ret; p++)
		if (p->found && !(hooked ? !!p->hook : p->only_hooked))
			ret = probe_register(p, max_parked, trial);
	if (!ret)
		return 0;

	lsp_probe_disarm();
	lsp_probe_release();
	return ret;
err_exit:
	tracepoint_probe_unregister(tracepoint_exit, on_exit, NULL);
	tracepoint_synchronize_unregister();
	return ret;
}

int lsp_probe_rehearse(const char **why)
{
	int ret = lsp_trial_run(probes, ARRAY_SIZE(probes), hooked, why);

	if (!ret)
		probes_perform();
	return ret;
}

static void probes_unregister(void)
{
	/* All probes of a kind are removed together, with one grace period for all. */
	struct kprobe *kps[ARRAY_SIZE(probes)];
	struct kretprobe *krps[ARRAY_SIZE(probes)];
	int nkps = 0, nkrps = 0;
	struct lsp_probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		if (!p->armed)
			continue;
		if (p->begin || p->end)
			krps[nkrps++] = &p->krp;
		else
			kps[nkps++] = &p->kp;
	}
	if (hooked)
		lsp_hook_disarm();
	hooked = false;
	/* The waiters' probes go first: no wait may begin once nobody sees wakes any more. */
	unregister_kretprobes(krps, nkrps);
	unregister_kprobes(kps, nkps);
	lsp_hook_unguard();
}

void lsp_probe_disarm(void)
{
	struct lsp_probe *p;

	probes_unregister();
	lsp_why_disarm();
	tracepoint_probe_unregister(tracepoint_fork, on_fork, NULL);
	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		p->armed = false;
}

void lsp_probe_release(void)
{
	tracepoint_probe_unregister(tracepoint_exit, on_exit, NULL);
	/*
	 * When this returns, no handler of a tracepoint is running, nor anything that probes have
	 * left behind.
	 */
	tracepoint_synchronize_unregister();
}

bool lsp_probe_state(unsigned int index, struct lsp_probe_state *ret)
{
	const struct lsp_probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++) {
		/*
		 * A name is shown once: with the function in use, or with the last one that was
		 * tried if there is none.
		 */
		bool shown = p->found || (!probe_found(p->name, NULL) &&
					  (p + 1 == probes + ARRAY_SIZE(probes) ||
					   strcmp(p[1].name, p->name)));

		if (!shown || index--)
			continue;
		ret->name = p->name;
		ret->symbol = p->found ? p->symbol : NULL;
		ret->missed = hooked && p->hook ? 0 :
			      p->begin || p->end ? p->krp.nmissed + p->krp.kp.nmissed : p->kp.nmissed;
		return true;
	}
	return false;
}

/*
 * A kretprobe has an instance for each thread, and since v6.7 each processor has room for pointers
 * to all instances.
 */
u64 lsp_probe_memory(void)
{
	u64 instance = sizeof(struct kretprobe_instance) + sizeof(struct wait_call) +
		       num_possible_cpus() * sizeof(void *);
	const struct lsp_probe *p;
	u64 sum = 0;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		if (p->armed && (p->begin || p->end))
			sum += (u64)p->krp.maxactive * instance;
	return sum;
}
