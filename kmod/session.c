// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/stringify.h>
#include <linux/threads.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "close.h"
#include "counter.h"
#include "filter.h"
#include "futexq.h"
#include "key.h"
#include "maps.h"
#include "rates.h"
#include "ring.h"
#include "rules.h"
#include "span.h"
#include "task.h"
#include "ustack.h"
#include "uwalk.h"
#include "wake.h"
#include "why.h"
#include "widen.h"

/*
 * A netlink message carries at most this much of a ring. With its headers it then fits into an
 * order-3 allocation, and fills nearly all of it: some kernels clear whatever they allocate, so
 * room that is not used would cost time.
 */
#define BATCH_BYTES 32128
/* Messages that are sent from one ring in one visit, so that a busy CPU cannot keep the worker from STOP. */
#define BATCHES_A_VISIT 256
/* How long after STOP the owner's socket may be full, counted from when it last took something. */
#define PATIENCE_MS 5000
/* How long after STOP the worker waits for mappings that others keep locked, counted in the same way. */
#define LOCKED_MS 2000
/* Time between two visits that nobody has asked for. Each costs a switch to the worker and one to the owner. */
#define IDLE_MS 25
#define CONGESTED_MS 2
/* How long START waits for the end of a session whose owner has gone. */
#define LEFT_MS 3000

/*
 * The limits of max_threads. The tables need the smallest, and no kernel can number more threads
 * than the largest. START checks whether there is memory for the tables.
 */
#define THREADS_MIN 64
#define THREADS_MAX PID_MAX_LIMIT

static unsigned int max_threads = 16384;
module_param(max_threads, uint, 0444);
MODULE_PARM_DESC(max_threads, "Threads that can be known, and asleep, at a time (default 16384, from "
		 __stringify(THREADS_MIN) " to the kernel's own limit)");

static const struct lsp_session_ops *ops;
static struct workqueue_struct *queue;
static void session_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(work, session_work);

/*
 * Only START changes the phase from IDLE and STARTING, and only the worker changes it from the
 * others. Both do their work without the lock. Arming, disarming and reading another process's
 * memory may take long, and a request that waits for the lock would block the lookup of every
 * netlink family of the machine.
 */
enum phase {
	PHASE_IDLE,
	PHASE_STARTING,
	PHASE_RECORDING,
	PHASE_DRAINING,
	PHASE_ENDING,	/* only END is to be sent; nothing is held but the owner's socket */
};

static DEFINE_MUTEX(lock);	/* protects what follows; held for moments only */
static enum phase phase;
static u32 owner_portid;
static pid_t owner_pid;
/*
 * A reference to the owner's socket, which the session keeps to its end. So nobody else can get the
 * port, and with it the records.
 */
static struct file *owner_file;
static u64 start_ns, stop_ns;
static bool stopping;
static unsigned long drained_jiffies;	/* worker only: when the owner last took something */

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
	/*
	 * A session holds a reference to the module. So there is none, and at most an END is still
	 * to be sent.
	 */
	cancel_delayed_work_sync(&work);
	destroy_workqueue(queue);
	if (owner_file)
		fput(owner_file);
	owner_file = NULL;
}

/* Whether the session has the only reference to the owner's socket. That does not change again. */
static bool owner_gone(void)
{
	return file_count(owner_file) == 1;
}

/* Whether the session's tables exist. The lock is held. */
static bool session_lives(void)
{
	return phase == PHASE_RECORDING || phase == PHASE_DRAINING;
}

static void session_enter(enum phase next)
{
	mutex_lock(&lock);
	phase = next;
	mutex_unlock(&lock);
}

static void session_wake(void)
{
	mod_delayed_work(queue, &work, 0);
}

/* Begins a session, if there is none. */
static int session_claim(u32 portid, struct file *socket, const char **why)
{
	/* There are several buffers, because the sentence is sent after the lock has been released. */
	static char busy[8][48];
	static unsigned int next;
	int ret = 0;

	mutex_lock(&lock);
	if (phase != PHASE_IDLE) {
		next = (next + 1) % ARRAY_SIZE(busy);
		snprintf(busy[next], sizeof(busy[next]), "a session of process %d is running", owner_pid);
		*why = busy[next];
		ret = -EBUSY;
	} else {
		phase = PHASE_STARTING;
		owner_portid = portid;
		owner_pid = task_tgid_nr(current);
		owner_file = get_file(socket);
		stopping = false;
		start_ns = 0;
		stop_ns = 0;
	}
	mutex_unlock(&lock);
	return ret;
}

/* Whether the owner of the present session has gone. If so, wakes the worker, which ends the session. */
static bool session_is_left(void)
{
	bool left;

	mutex_lock(&lock);
	left = owner_file && phase != PHASE_STARTING && owner_gone();
	mutex_unlock(&lock);
	if (left)
		session_wake();
	return left;
}

/*
 * Like session_claim(), but if the owner of the present session has just gone, waits for the end of
 * that session.
 */
static int session_claim_next(u32 portid, struct file *socket, const char **why)
{
	unsigned long until = jiffies + msecs_to_jiffies(LEFT_MS);
	int ret;

	for (;;) {
		ret = session_claim(portid, socket, why);
		if (ret != -EBUSY || !session_is_left() || time_after(jiffies, until))
			return ret;
		if (msleep_interruptible(CONGESTED_MS)) {
			*why = "interrupted while the last session ended";
			return -EINTR;
		}
	}
}

/* Ends the session, so that another can begin. The lock is held. */
static void session_leave(void)
{
	phase = PHASE_IDLE;
	owner_portid = 0;
	fput(owner_file);
	owner_file = NULL;
}

/*
 * The owner is told when all probes are there. Its threads must not run through functions whose
 * code is being changed: an emulator may lose such a change, and the guest then crashes (docs/HACKING.md).
 */
static int session_rehearse(const char **why)
{
	int ret = ops->armed_send(owner_portid);

	*why = "the owner cannot be told that the probes are armed";
	if (!ret)
		ret = ops->rehearse(why);
	if (ret) {
		ops->disarm();
		ops->release();
	}
	return ret;
}

static int session_arm(const struct lsp_session_options *o, const char **why)
{
	int ret;

	ret = lsp_tables_init(&o->tables, max_threads, session_wake, why);
	if (ret)
		return ret;
	lsp_counters_reset();
	lsp_rates_init();
	lsp_rate_block_set(o->block_rate_ns);
	lsp_rate_mutex_set(o->mutex_fraction);
	lsp_futexq_reset();
	lsp_wake_reset();

	*why = "cannot put the probes on the kernel's futex functions; the kernel log says which";
	ret = ops->arm(max_threads, o->rehearsed);
	if (!ret && o->rehearsed)
		ret = session_rehearse(why);
	if (ret == -ENXIO)
		*why = "the kernel's probes hear nothing while kernel.ftrace_enabled is 0: set it to 1";
	if (ret)
		lsp_tables_uninit();
	else
		/*
		 * From here on, changes of mappings are noted. The rings are empty, and the worker
		 * has no session yet.
		 */
		lsp_maps_update(false);
	return ret;
}

int lsp_session_start(const struct lsp_session_options *o, u32 portid, struct file *socket, const char **why)
{
	int ret;

	/* The module cannot be unloaded during a session. Once unloading has begun, no session can begin. */
	if (!try_module_get(THIS_MODULE)) {
		*why = "the module is being unloaded";
		return -ENODEV;
	}
	ret = session_claim_next(portid, socket, why);
	if (ret)
		goto out_module;
	ret = session_arm(o, why);
	mutex_lock(&lock);
	if (ret) {
		session_leave();
		mutex_unlock(&lock);
		goto out_module;
	}
	/*
	 * All probes begin to record at one moment. Arming takes so long that a contended program
	 * could fill the rings meanwhile, and nobody empties them before the lock is released.
	 */
	start_ns = ktime_get_ns();
	lsp_why_start(start_ns);
	WRITE_ONCE(lsp_span_recording, true);
	phase = PHASE_RECORDING;
	mutex_unlock(&lock);
	queue_delayed_work(queue, &work, msecs_to_jiffies(IDLE_MS));
	return 0;

out_module:
	module_put(THIS_MODULE);
	return ret;
}

static int check_owner(u32 portid, const char **why)
{
	if (phase != PHASE_RECORDING || stopping) {
		*why = "no session is recording";
		return -ENODEV;
	}
	if (portid != owner_portid) {
		*why = "the session belongs to another socket";
		return -EACCES;
	}
	return 0;
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
		WRITE_ONCE(stopping, true);
		mod_delayed_work(queue, &work, 0);
	}
	mutex_unlock(&lock);
	return ret;
}

int lsp_session_set(u32 portid, const struct lsp_session_changes *c, const char **why)
{
	u32 i;
	int ret;

	mutex_lock(&lock);
	ret = check_owner(portid, why);
	for (i = 0; i < c->ntgids && !ret; i++) {
		ret = lsp_tables_process_add(c->tgids[i]);
		if (ret)
			*why = "no process has this id";
	}
	if (!ret && c->block_rate)
		lsp_rate_block_set(c->block_rate_ns);
	if (!ret && c->mutex)
		lsp_rate_mutex_set(c->mutex_fraction);
	if (!ret && c->min_delay)
		lsp_filter_min_delay_set(c->min_delay_ns);
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
	memset(ret, 0, sizeof(*ret));
	mutex_lock(&lock);
	if (phase == PHASE_RECORDING)
		ret->state = LOCKSPAN_STATE_RECORDING;
	else if (phase == PHASE_DRAINING || phase == PHASE_ENDING)
		ret->state = LOCKSPAN_STATE_DRAINING;
	ret->owner_pid = ret->state == LOCKSPAN_STATE_IDLE ? 0 : owner_pid;
	ret->start_ns = start_ns;
	ret->stop_ns = stop_ns;
	if (session_lives()) {
		lsp_task_each(count_open, &ret->open_spans);
		ret->memory_bytes = lsp_tables_memory() + ops->memory();
	}
	mutex_unlock(&lock);
}

bool lsp_session_probe_state(unsigned int index, struct lsp_probe_state *ret)
{
	return ops->probe_state(index, ret);
}

/*
 * Sends what ring @r holds. Returns 0 when it is empty, 1 when there is more, -EAGAIN while the
 * owner's socket is full, -ECONNREFUSED when the socket is gone.
 */
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
		if (owner_gone())
			return -ECONNREFUSED;
		lsp_widen(LSP_WIDEN_SEND);
		ret = lsp_widen_every(LSP_WIDEN_UNSENT) ? -EMSGSIZE :
							  ops->data_send(owner_portid, cpu, seq, run, bytes);
		if (ret == -EAGAIN || ret == -ECONNREFUSED)
			return ret;
		/*
		 * Trying again would not help, so the records are lost. The reader sees a gap in
		 * the numbers.
		 */
		if (ret)
			lsp_count_add(LOCKSPAN_C_LOST_SEND, records);
		lsp_ring_consume(r, bytes, records);
		drained_jiffies = jiffies;
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

static void worker_room(void)
{
	/*
	 * The worker's records explain a hang, so it is better to wait for the owner's reading than
	 * to lose them. PATIENCE_MS is for all records together.
	 */
	while (!lsp_ring_worker_room() && drain_ring(LSP_RING_WORKER) == -EAGAIN &&
	       time_before(jiffies, drained_jiffies + msecs_to_jiffies(PATIENCE_MS)))
		msleep(CONGESTED_MS);
	cond_resched();
}

static void close_open(struct lsp_task *t, void *arg)
{
	worker_room();
	lsp_close_open(t);
}

/* Changes the phase from RECORDING to DRAINING. The freeze comes first, because disarming takes a while. */
static void session_disarm(void)
{
	u64 now_ns = ktime_get_ns();

	lsp_why_freeze(now_ns);
	lsp_close_freeze(now_ns);
	mutex_lock(&lock);
	stop_ns = now_ns;
	phase = PHASE_DRAINING;
	mutex_unlock(&lock);
	lsp_widen(LSP_WIDEN_FREEZE);
	lsp_close_settle();
	ops->disarm();
	drained_jiffies = jiffies;
	lsp_task_each(close_open, NULL);
	lsp_key_give_up_all(worker_room);
	ops->release();
	drained_jiffies = jiffies;
	lsp_why_times_send(worker_room);
	drained_jiffies = jiffies;
}

/*
 * Gives back everything that the session holds, the reference to the module included, but not the
 * owner's socket.
 */
static void session_release(void)
{
	if (phase == PHASE_ENDING)
		return;
	session_enter(PHASE_ENDING);
	lsp_tables_uninit();
	module_put(THIS_MODULE);
}

/*
 * END is the last message to the owner. Whoever has read it may unload the module or start again,
 * so everything is given back before it is sent. A START that comes earlier waits for the lock.
 */
static int session_end(void)
{
	int ret;

	session_release();
	mutex_lock(&lock);
	ret = ops->end_send(owner_portid, start_ns, stop_ns);
	if (ret != -EAGAIN) {
		ret = 0;
		session_leave();
	}
	mutex_unlock(&lock);
	return ret;
}

/* Ends a session without an owner. What is still in the rings is dropped, as nobody else may read it. */
static void session_abandon(void)
{
	session_release();
	mutex_lock(&lock);
	session_leave();
	mutex_unlock(&lock);
}

/* One round of the worker's. Returns 0, 1 when there is more to do at once, or the error that stopped it. */
static int session_turn(void)
{
	bool mapped, locked;
	int ret;

	/* The mappings come first, because the process may end at any time. */
	locked = phase == PHASE_DRAINING &&
		 time_after(jiffies, drained_jiffies + msecs_to_jiffies(LOCKED_MS));
	mapped = lsp_maps_update(locked);
	ret = drain_rings();
	lsp_task_reclaim();
	lsp_uwalk_tidy();
	if (phase == PHASE_RECORDING) {
		if (!READ_ONCE(stopping) && !owner_gone() && ret != -ECONNREFUSED)
			return ret < 0 ? ret : ret || !mapped;
		session_disarm();
		return 1;
	}
	if (ret)
		return ret;
	return mapped ? session_end() : -EAGAIN;
}

static void session_work(struct work_struct *unused)
{
	unsigned int delay_ms = IDLE_MS;
	bool nothing;
	int ret;

	/* From here on only this worker can change the phase. */
	mutex_lock(&lock);
	nothing = phase == PHASE_IDLE || phase == PHASE_STARTING;
	mutex_unlock(&lock);
	if (nothing)
		return;

	ret = phase == PHASE_ENDING ? session_end() : session_turn();
	if (phase != PHASE_IDLE && phase != PHASE_RECORDING && (owner_gone() || ret == -ECONNREFUSED))
		session_abandon();
	if (phase == PHASE_IDLE)
		return;
	if (ret == -EAGAIN)
		delay_ms = CONGESTED_MS;
	else if (ret)
		delay_ms = 0;
	queue_delayed_work(queue, &work, msecs_to_jiffies(delay_ms));
}
