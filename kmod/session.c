// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/stringify.h>
#include <linux/threads.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "close.h"
#include "counter.h"
#include "futexq.h"
#include "key.h"
#include "maps.h"
#include "rates.h"
#include "ring.h"
#include "rules.h"
#include "task.h"
#include "ustack.h"
#include "uwalk.h"
#include "wait.h"
#include "wake.h"

/*
 * One netlink message carries at most this much of a ring: an order-3 allocation with its headers,
 * and as much of it as can be, for kernels that clear all they allocate clear that too.
 */
#define BATCH_BYTES 32128
/* Batches per ring and visit, so that one busy CPU cannot keep the worker from STOP. */
#define BATCHES_A_VISIT 256
/* Between two visits that nobody has asked for: each costs a switch to the worker and one to the owner. */
#define IDLE_MS 25
#define CONGESTED_MS 2

/* From what a table can be made of to as many as the kernel can number; START asks whether they have room. */
#define THREADS_MIN 64
#define THREADS_MAX PID_MAX_LIMIT
/* How many kretprobes there are at most. */
#define KRETPROBES 4

static unsigned int max_threads = 16384;
module_param(max_threads, uint, 0444);
MODULE_PARM_DESC(max_threads, "Threads that can be known, and asleep, at a time (default 16384, from "
		 __stringify(THREADS_MIN) " to the kernel's own limit)");

static const struct lsp_session_ops *ops;
static struct workqueue_struct *queue;
static void session_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(work, session_work);

static DEFINE_MUTEX(lock);	/* for what follows */
static enum lockspan_state state;
static u32 owner_portid;
static pid_t owner_pid;
static u64 start_ns, stop_ns;
static bool stopping;
static bool released;	/* nothing is held any more, only END is to be sent */
static u32 gone_portid;		/* written by the socket's notifier, any context */

int lsp_session_init(const struct lsp_session_ops *o)
{
	if (max_threads < THREADS_MIN || max_threads > THREADS_MAX) {
		pr_err("lockspan: max_threads=%u is not a number from %u to %lu\n", max_threads,
		       THREADS_MIN, (unsigned long)THREADS_MAX);
		return -EINVAL;
	}
	ops = o;
	queue = alloc_workqueue("lockspan", WQ_UNBOUND, 1);
	return queue ? 0 : -ENOMEM;
}

void lsp_session_uninit(void)
{
	/* A session holds a reference to the module, so at most an END is left to send. */
	cancel_delayed_work_sync(&work);
	destroy_workqueue(queue);
}

static void session_wake(void)
{
	mod_delayed_work(queue, &work, 0);
}

static void session_free(void)
{
	lsp_filter_uninit();
	lsp_ustack_uninit();
	lsp_rules_uninit();
	lsp_maps_uninit();
	lsp_key_uninit();
	lsp_task_uninit();
	lsp_ring_uninit();
}

/* Observes one more process, and reads its mappings before it is asked for them. */
static int process_add(u32 nr)
{
	struct task_struct *task;
	struct lsp_maps_view view;
	struct mm_struct *mm;
	int ret;

	ret = lsp_filter_add(nr, &task);
	if (ret)
		return ret;
	mm = get_task_mm(task);
	if (mm) {
		preempt_disable();
		lsp_maps_of(mm, task->tgid, &view);
		preempt_enable();
		mmput(mm);
	}
	put_task_struct(task);
	return 0;
}

/*
 * Whether half of the machine's memory has room for what grows with max_threads and with the
 * rings: to find out by asking for it would make the kernel kill processes first. Each kretprobe
 * keeps an instance for a thread, and room for a pointer to it on each processor.
 */
static bool session_fits(const struct lsp_session_options *o)
{
	u64 cpus = num_possible_cpus();
	u64 thread_bytes = sizeof(struct lsp_task) + sizeof(struct lsp_key) +
			   4 * sizeof(struct lsp_task_bucket) + KRETPROBES * (128 + 8 * cpus);

	return (max_threads * thread_bytes + (cpus + 1) * o->ring_bytes) >> PAGE_SHIFT <= totalram_pages() / 2;
}

static int session_alloc(const struct lsp_session_options *o, const char **why)
{
	u32 i;
	int ret;

	*why = "the tables for max_threads and the rings would take more than half of this machine's memory: load "
	       "the module with a smaller max_threads, or record with smaller rings";
	if (!session_fits(o))
		return -ENOMEM;
	*why = "not enough memory for the session's tables and rings";
	ret = lsp_ring_init(o->ring_bytes, session_wake);
	if (ret)
		return ret;
	ret = lsp_task_init(max_threads);
	if (ret)
		goto err_ring;
	/* Each thread refers to one key at most, and a requeue to one more for a moment. */
	ret = lsp_key_init(max_threads + 1024);
	if (ret)
		goto err_task;
	ret = lsp_maps_init(session_wake);
	if (ret)
		goto err_key;
	ret = lsp_rules_init();
	if (ret)
		goto err_maps;
	ret = lsp_ustack_init(o->stack_mode, o->stack_both);
	if (ret)
		goto err_rules;
	ret = lsp_filter_init(&o->filter);
	if (ret)
		goto err_ustack;
	for (i = 0; i < o->ntgids; i++) {
		ret = process_add(o->tgids[i]);
		if (ret) {
			*why = "no process has one of the given ids";
			goto err_filter;
		}
	}
	return 0;

err_filter:
	lsp_filter_uninit();
err_ustack:
	lsp_ustack_uninit();
err_rules:
	lsp_rules_uninit();
err_maps:
	lsp_maps_uninit();
err_key:
	lsp_key_uninit();
err_task:
	lsp_task_uninit();
err_ring:
	lsp_ring_uninit();
	return ret;
}

int lsp_session_start(const struct lsp_session_options *o, u32 portid, const char **why)
{
	static char busy[80];
	int ret;

	/* Unloading waits for the session; and once it has begun, it is too late for one. */
	if (!try_module_get(THIS_MODULE)) {
		*why = "the module is being unloaded";
		return -ENODEV;
	}
	mutex_lock(&lock);
	if (state != LOCKSPAN_STATE_IDLE) {
		snprintf(busy, sizeof(busy), "a session of process %d is running", owner_pid);
		*why = busy;
		ret = -EBUSY;
		goto out_unlock;
	}
	ret = session_alloc(o, why);
	if (ret)
		goto out_unlock;

	lsp_counters_reset();
	lsp_rates_init();
	lsp_rate_block_set(o->block_rate_ns);
	lsp_rate_mutex_set(o->mutex_fraction);
	lsp_futexq_reset();
	lsp_wake_reset();
	owner_portid = portid;
	owner_pid = task_tgid_nr(current);
	WRITE_ONCE(gone_portid, 0);
	stopping = false;
	released = false;
	stop_ns = 0;

	*why = "cannot put the probes on the kernel's futex functions; the kernel log says which";
	ret = ops->arm(max_threads);
	if (ret == -ENXIO)
		*why = "the kernel's probes hear nothing while kernel.ftrace_enabled is 0: set it to 1";
	if (ret)
		goto err_alloc;
	/* Changes of the mappings are heard of by now; the rings are empty and the worker stands at our mutex. */
	lsp_maps_update();

	/*
	 * All probes at one moment: arming takes long enough for a contended
	 * program to fill the rings, and until we let go nobody empties them.
	 */
	start_ns = ktime_get_ns();
	WRITE_ONCE(lsp_wait_recording, true);
	state = LOCKSPAN_STATE_RECORDING;
	queue_delayed_work(queue, &work, msecs_to_jiffies(IDLE_MS));
	goto out_unlock;

err_alloc:
	session_free();
out_unlock:
	mutex_unlock(&lock);
	if (ret)
		module_put(THIS_MODULE);
	return ret;
}

static int check_owner(u32 portid, const char **why)
{
	if (state != LOCKSPAN_STATE_RECORDING || stopping) {
		*why = "no session is recording";
		return -ENODEV;
	}
	if (portid != owner_portid) {
		*why = "the session belongs to another socket";
		return -EACCES;
	}
	return 0;
}

int lsp_session_check_owner(u32 portid, const char **why)
{
	int ret;

	mutex_lock(&lock);
	ret = check_owner(portid, why);
	mutex_unlock(&lock);
	return ret;
}

int lsp_session_forget_stack(u32 portid, u64 id, const char **why)
{
	int ret;

	mutex_lock(&lock);
	ret = check_owner(portid, why);
	if (!ret)
		lsp_ustack_forget(id);
	mutex_unlock(&lock);
	return ret;
}

int lsp_session_deepen(u32 portid, u32 tgid, const char **why)
{
	int ret;

	mutex_lock(&lock);
	ret = check_owner(portid, why);
	if (!ret)
		lsp_maps_deepen(tgid);
	mutex_unlock(&lock);
	return ret;
}

int lsp_session_teach(u32 portid, u32 generation, const void *rules, u32 bytes, const char **why)
{
	bool renewed;
	int ret;

	mutex_lock(&lock);
	ret = check_owner(portid, why);
	if (!ret) {
		ret = lsp_rules_teach(generation, rules, bytes, &renewed, why);
		if (renewed)
			lsp_ustack_forget_all();
	}
	mutex_unlock(&lock);
	return ret;
}

int lsp_session_stop(u32 portid, const char **why)
{
	int ret;

	mutex_lock(&lock);
	ret = check_owner(portid, why);
	if (!ret) {
		stopping = true;
		mod_delayed_work(queue, &work, 0);
	}
	mutex_unlock(&lock);
	return ret;
}

int lsp_session_add_tgid(u32 portid, u32 nr, const char **why)
{
	int ret;

	mutex_lock(&lock);
	ret = check_owner(portid, why);
	if (!ret) {
		ret = process_add(nr);
		if (ret)
			*why = "no process has this id";
	}
	mutex_unlock(&lock);
	return ret;
}

static void count_open(struct lsp_task *t, void *arg)
{
	u8 s = READ_ONCE(t->state);

	*(u64 *)arg += s == LSP_TASK_OPEN || s == LSP_TASK_WOKEN;
}

void lsp_session_status(struct lsp_session_status *ret)
{
	mutex_lock(&lock);
	ret->state = state;
	ret->owner_pid = state == LOCKSPAN_STATE_IDLE ? 0 : owner_pid;
	ret->start_ns = start_ns;
	ret->stop_ns = stop_ns;
	ret->open_spans = 0;
	lsp_task_each(count_open, &ret->open_spans);
	ret->memory_bytes = lsp_ring_memory() + lsp_task_memory() + lsp_key_memory() +
			    lsp_filter_memory() + lsp_maps_memory() + lsp_ustack_memory() +
			    lsp_rules_memory();
	mutex_unlock(&lock);
}

bool lsp_session_probe_state(unsigned int index, struct lsp_probe_state *ret)
{
	return ops->probe_state(index, ret);
}

void lsp_session_socket_gone(u32 portid)
{
	if (portid == READ_ONCE(owner_portid)) {
		WRITE_ONCE(gone_portid, portid);
		mod_delayed_work(queue, &work, 0);
	}
}

/* Sends what ring @r holds. 0 drained, 1 there is more, or the error that stopped it. */
static int drain_ring(unsigned int r)
{
	u32 cpu = r == LSP_RING_WORKER ? LOCKSPAN_CPU_WORKER : r;
	u32 bytes, records, batch;
	const void *run;
	u64 seq;
	int ret;

	for (batch = 0; batch < BATCHES_A_VISIT; batch++) {
		bytes = lsp_ring_peek(r, BATCH_BYTES, &run, &seq, &records);
		if (!bytes)
			return 0;
		ret = ops->data_send(owner_portid, cpu, seq, run, bytes);
		if (ret)
			return ret;
		lsp_ring_consume(r, bytes, records);
		cond_resched();
	}
	return 1;
}

static int drain_rings(void)
{
	unsigned int r;
	int ret, more = 0;

	for (r = 0; r <= LSP_RING_WORKER; r++) {
		ret = drain_ring(r);
		if (ret < 0)
			return ret;
		more |= ret;
	}
	return more;
}

static void close_open(struct lsp_task *t, void *arg)
{
	int tries;

	/* The owner reads while we fill: wait for it rather than lose what explains a hang. */
	for (tries = 0; tries < 500 && !lsp_ring_worker_room() && !READ_ONCE(gone_portid); tries++)
		if (drain_ring(LSP_RING_WORKER) == -EAGAIN)
			msleep(CONGESTED_MS);
	lsp_close_open(t);
}

/* From RECORDING to DRAINING. Freezes the state first: disarming takes a while. */
static void session_disarm(void)
{
	stop_ns = ktime_get_ns();
	lsp_close_freeze(stop_ns);
	ops->disarm();
	lsp_task_each(close_open, NULL);
	ops->release();
	state = LOCKSPAN_STATE_DRAINING;
}

/* Gives back all that the session held, the reference to the module too. */
static void session_release(void)
{
	if (released)
		return;
	session_free();
	released = true;
	module_put(THIS_MODULE);
}

/*
 * END is the last thing the owner hears, so everything is given back before:
 * who has read it may unload the module or start again. A START that comes
 * early waits for our mutex.
 */
static int session_end(void)
{
	int ret;

	session_release();
	ret = ops->end_send(owner_portid, start_ns, stop_ns);
	if (ret == -EAGAIN)
		return ret;
	state = LOCKSPAN_STATE_IDLE;
	WRITE_ONCE(owner_portid, 0);
	return 0;
}

static void session_abandon(void)
{
	session_release();
	state = LOCKSPAN_STATE_IDLE;
	WRITE_ONCE(owner_portid, 0);
}

static void session_work(struct work_struct *unused)
{
	unsigned int delay_ms = IDLE_MS;
	bool mapped = true, draining;
	int ret;

	mutex_lock(&lock);
	if (state == LOCKSPAN_STATE_IDLE)
		goto out_unlock;

	if (released) {
		ret = READ_ONCE(gone_portid) ? -ECONNREFUSED : session_end();
		goto out_queue;
	}
	draining = state == LOCKSPAN_STATE_DRAINING;
	/* Mappings first, while the process may still be there. */
	mapped = lsp_maps_update();
	ret = drain_rings();
	lsp_task_reclaim();
	lsp_uwalk_tidy();
	if (!draining && (stopping || READ_ONCE(gone_portid) || ret == -ECONNREFUSED))
		session_disarm();
	else if (draining && mapped && !ret)
		ret = session_end();

out_queue:
	if (state == LOCKSPAN_STATE_DRAINING && (READ_ONCE(gone_portid) || ret == -ECONNREFUSED))
		session_abandon();
	if (state == LOCKSPAN_STATE_IDLE)
		goto out_unlock;
	if (ret == -EAGAIN)
		delay_ms = CONGESTED_MS;
	else if (ret || !mapped || state == LOCKSPAN_STATE_DRAINING)
		delay_ms = 0;
	queue_delayed_work(queue, &work, msecs_to_jiffies(delay_ms));
out_unlock:
	mutex_unlock(&lock);
}
