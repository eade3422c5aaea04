// SPDX-License-Identifier: GPL-2.0-only
#include "wake.h"

#include <uapi/linux/futex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/timekeeping.h>
#include <asm/syscall.h>

#include "compat.h"
#include "core/futex_op.h"
#include "counter.h"
#include "filter.h"
#include "futexq.h"
#include "rates.h"
#include "ring.h"
#include "span.h"
#include "ustack.h"
#include "wait.h"
#include "why.h"

/*
 * Set by the first requeue. From then on the key of each woken q is looked at. Glibc's own locks
 * never requeue.
 */
static bool requeues;

void lsp_wake_reset(void)
{
	requeues = false;
	atomic_set(&lsp_span_pi_open, 0);
	atomic_set(&lsp_span_vector_open, 0);
}

void lsp_wake_requeues(void)
{
	/* Every wake of the session pays for this from now on. The owner requeues its own waiters only. */
	if (!READ_ONCE(requeues) && !lsp_filter_is_owner())
		WRITE_ONCE(requeues, true);
}

/*
 * The waiter @t now waits for another key. Moves it to that key's ledger. @seen: it is moved at the
 * present time. Returns false if there is no room (counted).
 */
static bool wake_move(struct lsp_task *t, const struct lsp_key_id *id, bool seen)
{
	struct lsp_ledger_rest rest;
	struct lsp_key *to = lsp_key_get(id);
	struct lsp_key *from = t->key;
	u64 now;

	if (!to) {
		lsp_count(LOCKSPAN_C_LOST_KEY_TABLE);
		return false;
	}
	raw_spin_lock(&from->lock);
	now = lsp_ledger_time(&from->ledger, ktime_get_mono_fast_ns());
	rest = lsp_ledger_leave(&from->ledger, &t->wait, now, seen ? LSP_LEDGER_GONE : LSP_LEDGER_UNSEEN);
	if (from->crowd)
		lsp_why_crowd_leave(from->crowd, &from->ledger, t->wait.enq_ns, now, false);
	raw_spin_unlock(&from->lock);
	t->handoff_ns += rest.handoff_ns;

	raw_spin_lock(&to->lock);
	/* The second ledger may have seen a later time already. The time in between belongs to neither key. */
	t->wait.enq_ns = lsp_ledger_time(&to->ledger, now);
	t->tail_ns += rest.tail_ns + t->wait.enq_ns - now;
	if (lsp_ledger_carries(&to->ledger))
		lsp_key_expire(to, t->wait.enq_ns);
	t->handoff_ns += lsp_ledger_enq(&to->ledger, &t->wait, t->wait.enq_ns);
	lsp_why_crowd_enq(to->crowd, &to->ledger, t->wait.enq_ns);
	raw_spin_unlock(&to->lock);

	t->key = to;
	lsp_key_put(from);
	return true;
}

/*
 * A waiter may end on another key than the one it is booked on, because it was moved there at an
 * unknown time. Then its whole wait is tail on the first key. On the second key it counts as queued
 * and released now.
 */
static void wake_move_unsplit(struct lsp_task *t, const void *q)
{
	struct lsp_key_id id;

	if (!lsp_futexq_key(q, &id) || lsp_key_is(t->key, &id) || !wake_move(t, &id, false))
		return;
	t->flags |= LOCKSPAN_SPAN_UNSPLIT;
	lsp_count(LOCKSPAN_C_REQUEUE_UNSPLIT);
}

static __always_inline bool wake_is_join(const struct lsp_task *t)
{
	return unlikely(t->uaddr == (unsigned long)current->clear_child_tid) && t->task &&
	       t->task->mm == current->mm;
}

/* Whether the current call is not futex(2), from which most releases come. */
static __always_inline bool wake_is_no_futex_call(void)
{
	return (u32)task_pt_regs(current)->orig_ax != __NR_futex;
}

/* The flags of a release that its thread did not ask for by a futex call, LOCKSPAN_RELEASE_*. */
static noinline u16 wake_flags_seldom(void)
{
	struct pt_regs *regs = task_pt_regs(current);

	/* A worker of io_uring has the registers of the thread that made it. */
	if (current->flags & LSP_TASK_WORKER)
		return LOCKSPAN_RELEASE_WORKER;
	/*
	 * The kernel releases what a thread has left locked when the thread exits or executes
	 * another program.
	 */
	if (current->flags & PF_EXITING ||
	    lsp_call_is_exec((u32)syscall_get_nr(current, regs), in_ia32_syscall()))
		return LOCKSPAN_RELEASE_EXITING;
	return 0;
}

/* What one release did, and to whom. It is filled in while the waiter's lock is held. */
struct release {
	u64 span;
	u64 uaddr;
	struct lsp_ledger_charge charge;
	struct lsp_why_hold hold;	/* without why, only its key and its time are set */
	u32 waiter_tid;
	u32 waiter_tgid;
	u16 waiters;
	u16 flags;		/* LOCKSPAN_RELEASE_* */
	u8 op;
	bool why;		/* say what the releaser did */
	bool crowd;		/* this processor's release_crowd says how the waiters came and went */
};

/*
 * How the waiters came and went of the release that this processor handles: the key's lock protects the original.
 * Interrupts are off until the release is sent.
 */
static DEFINE_PER_CPU(struct lsp_why_crowd, release_crowd);

static noinline void release_book_again(struct lsp_task *t, struct release *r)
{
	r->flags |= LOCKSPAN_RELEASE_AGAIN;
	r->charge = lsp_ledger_release_again(&t->key->ledger, &t->wait, t->wake_ns, r->hold.now_ns);
}

/* Takes over the changes of the key's crowd, as they were before the release. */
static noinline void release_crowd_copy(const struct lsp_why_crowd *from)
{
	struct lsp_why_crowd *to = this_cpu_ptr(&release_crowd);
	u32 i;

	to->cut_ns = from->cut_ns;
	to->changes = from->changes;
	to->crowded = from->crowded;
	to->empty = from->empty;
	for (i = 0; i < from->changes; i++)
		to->change[i] = from->change[i];
}

/*
 * Before the ledger of @key books the release of @t: whom the releaser has kept waiting since when. A waiter that was
 * released before, and is so again, has waited since then for this thread.
 */
static __always_inline void release_hold(const struct lsp_task *t, const struct lsp_key *key, struct release *r)
{
	const u16 none = LOCKSPAN_RELEASE_JOIN | LOCKSPAN_RELEASE_IRQ | LOCKSPAN_RELEASE_WORKER;

	r->why = key->crowd && !(r->flags & none);
	if (!r->why)
		return;
	r->crowd = false;
	r->hold.cut_ns = key->ledger.cut_ns;
	r->hold.waiters = key->ledger.waiters;
	if (unlikely(t->state == LSP_TASK_WOKEN)) {
		r->hold.cut_ns = t->wake_ns;
		r->hold.waiters = 1;
	} else if (unlikely(lsp_why_crowd_is(key->crowd, &key->ledger))) {
		release_crowd_copy(key->crowd);
		r->crowd = true;
	} else if (key->ledger.waiters == 1 && key->ledger.base_sum > r->hold.cut_ns) {
		r->hold.cut_ns = key->ledger.base_sum;
	}
}

static __always_inline void release_book(struct lsp_task *t, struct release *r)
{
	struct lsp_key *key = t->key;

	r->span = t->id;
	r->hold.key = key->hash;
	r->uaddr = t->uaddr;
	r->waiter_tid = t->tid;
	r->waiter_tgid = t->tgid;
	r->op = t->op;
	r->flags = t->pi ? LOCKSPAN_RELEASE_PI : 0;
	if (wake_is_join(t))
		r->flags |= LOCKSPAN_RELEASE_JOIN;
	if (unlikely(current->flags & (PF_EXITING | LSP_TASK_WORKER) || wake_is_no_futex_call()))
		r->flags |= wake_flags_seldom();
	if (unlikely(lsp_context_is_interrupt()))
		r->flags |= LOCKSPAN_RELEASE_IRQ;

	raw_spin_lock(&key->lock);
	r->hold.now_ns = lsp_ledger_time(&key->ledger, ktime_get_mono_fast_ns());
	release_hold(t, key, r);
	if (likely(t->state < LSP_TASK_WOKEN))
		r->charge = lsp_ledger_release(&key->ledger, &t->wait, r->hold.now_ns);
	else if (t->state == LSP_TASK_WOKEN)
		release_book_again(t, r);
	else
		r->charge = lsp_ledger_release_late(&key->ledger, r->hold.now_ns);
	if (unlikely(r->charge.carried_ns)) {
		/* It has been counted as the tails of those who left. */
		lsp_count_add(LOCKSPAN_C_TAIL_NS, -r->charge.carried_ns);
		lsp_count_add(LOCKSPAN_C_CARRIED_NS, r->charge.carried_ns);
	}
	r->waiters = min_t(u32, key->ledger.waiters, U16_MAX);
	raw_spin_unlock(&key->lock);

	r->hold.charge_ns = r->charge.hold_ns;
	lsp_count(LOCKSPAN_C_RELEASES);
	lsp_count_add(LOCKSPAN_C_HOLD_NS, r->charge.hold_ns);
	lsp_count_add(LOCKSPAN_C_HANDOFF_NS, r->charge.handoff_ns);
}

static __always_inline void release_mark_waiter(struct lsp_task *t, u64 time_ns, u16 flags)
{
	t->wake_ns = time_ns;
	t->waker_tid = current->pid;
	t->waker_tgid = current->tgid;
	if (unlikely(flags & LOCKSPAN_RELEASE_JOIN))
		t->flags |= LOCKSPAN_SPAN_JOIN;
	else if (unlikely(flags & LOCKSPAN_RELEASE_EXITING))
		t->owner_died = true;
	t->state = LSP_TASK_WOKEN;
}

/* The span was counted, and perhaps sent, as ended by its timer, by a signal or by nothing. Corrects that. */
static noinline void release_mark_late(struct lsp_task *t, u64 time_ns)
{
	struct lockspan_late *late;

	if (t->outcome == LOCKSPAN_NOSLEEP) {
		/* The waiter had not slept, so its outcome stays NOSLEEP. It was released all the same. */
		t->flags |= LOCKSPAN_SPAN_RELEASED;
		lsp_count(LOCKSPAN_C_NOSLEEP_RELEASED);
		return;
	}
	lsp_count_add(t->outcome, -1);
	lsp_count(LOCKSPAN_C_WOKEN_LATE);
	late = lsp_ring_reserve(sizeof(*late));
	if (late) {
		late->rec.bytes = sizeof(*late);
		late->rec.type = LOCKSPAN_REC_LATE;
		late->rec.flags = 0;
		late->span = t->id;
		late->time_ns = time_ns;
		late->tid = t->tid;
		late->old_outcome = t->outcome;
		lsp_ring_commit(sizeof(*late));
	} else {
		lsp_count(LOCKSPAN_C_LOST_LATE_RING);
	}
	t->outcome = LOCKSPAN_WOKEN_LATE;
}

static __always_inline void release_send(const struct release *r, u32 fraction)
{
	struct lockspan_release *to;
	u64 stack = lsp_ustack_current();
	bool why = r->why && r->charge.hold_ns;
	u16 flags;
	u32 bytes = sizeof(*to);

	to = lsp_ring_reserve(bytes + (why ? LSP_WHY_PARTS * sizeof(struct lockspan_why_part) : 0));
	if (unlikely(!to)) {
		lsp_count(LOCKSPAN_C_LOST_RELEASE_RING);
		return;
	}
	to->rec.flags = r->flags;
	if (why) {
		bytes += lsp_why_parts(&r->hold, r->crowd ? this_cpu_ptr(&release_crowd) : NULL, (void *)(to + 1), &flags) *
			 sizeof(struct lockspan_why_part);
		to->rec.flags |= LOCKSPAN_RELEASE_WHY | flags;
	}
	to->rec.bytes = bytes;
	to->rec.type = LOCKSPAN_REC_RELEASE;
	to->span = r->span;
	to->time_ns = r->hold.now_ns;
	to->hold_ns = r->charge.hold_ns;
	to->handoff_ns = r->charge.handoff_ns;
	to->key = r->hold.key;
	to->uaddr = r->uaddr;
	to->stack = stack;
	to->fraction = fraction;
	to->tid = current->pid;
	to->tgid = current->tgid;
	to->waiter_tid = r->waiter_tid;
	to->waiter_tgid = r->waiter_tgid;
	to->waiters = r->waiters;
	to->op = r->op;
	to->reserved = 0;
	memcpy(to->comm, current->comm, sizeof(to->comm));
	to->carried_ns = r->charge.carried_ns;
	lsp_ring_commit(bytes);
	lsp_count(LOCKSPAN_C_RELEASES_KEPT);
}

static bool wake_is_late(const struct lsp_task *t, const void *q)
{
	return t->state == LSP_TASK_CLOSING && q && t->q == q &&
	       (t->outcome == LOCKSPAN_TIMEOUT || t->outcome == LOCKSPAN_SIGNAL ||
		t->outcome == LOCKSPAN_STRAY ||
		(t->outcome == LOCKSPAN_NOSLEEP && !(t->flags & LOCKSPAN_SPAN_RELEASED)));
}

static bool wake_is_mine(const struct lsp_task *t, const void *q, bool vector)
{
	if (vector)
		return t->op == LOCKSPAN_OP_WAITV;
	return q ? t->q == q : t->pi || t->op == LOCKSPAN_OP_WAIT_REQUEUE_PI;
}

/*
 * Handles a release of any wait that is not simply open. Returns false if there is nothing to
 * release. A waiter for a PI mutex that is woken again found the mutex taken by another thread, and
 * slept on in the same call.
 */
static noinline bool wake_prepare(struct lsp_task *t, const void *q, bool vector)
{
	if (t->state == LSP_TASK_WOKEN && t->pi && !q) {
		t->owner_died = false;
		return true;
	}
	if (!(t->state == LSP_TASK_OPEN || wake_is_late(t, q) || (t->state == LSP_TASK_PREPARED && q)))
		return false;
	if (t->state == LSP_TASK_PREPARED)
		lsp_wait_enqueue(t);
	if (q && (vector || READ_ONCE(requeues)) && t->state != LSP_TASK_CLOSING)
		wake_move_unsplit(t, q);
	return true;
}

/* Takes @t off its queue, if it is on one. @q: the queue entry that the waker holds; NULL for PI. */
static __always_inline bool wake_task(struct lsp_task *t, const void *q, bool vector)
{
	u32 fraction = lsp_rate_mutex();
	struct release r;

	raw_spin_lock(&t->lock);
	if (!wake_is_mine(t, q, vector) ||
	    ((t->state != LSP_TASK_OPEN || vector || READ_ONCE(requeues)) &&
	     !wake_prepare(t, q, vector))) {
		raw_spin_unlock(&t->lock);
		return false;
	}
	release_book(t, &r);
	if (unlikely(t->state == LSP_TASK_CLOSING)) {
		r.flags |= LOCKSPAN_RELEASE_LATE;
		release_mark_late(t, r.hold.now_ns);
	} else {
		release_mark_waiter(t, r.hold.now_ns, r.flags);
	}
	raw_spin_unlock(&t->lock);

	/* From here on the waiter may run, and wait again. So only what was copied to r is used. */
	if (lsp_rate_keep_release(fraction))
		release_send(&r, fraction);
	else
		lsp_count(LOCKSPAN_C_RELEASES_SAMPLED_OUT);
	return true;
}

/*
 * Releases a waiter of futex_waitv by one of the queue entries of its vector. They are not on the
 * waiter's stack, so their addresses do not lead to the waiter's struct lsp_task.
 */
static noinline bool wake_vector(const void *q)
{
	struct lsp_task *t = lsp_task_by_stack(lsp_futexq_stack(q));

	return t && wake_task(t, q, true);
}

void lsp_wake_q(const void *q)
{
	struct lsp_task *t;
	unsigned long flags;
	bool done = false;

	if (!READ_ONCE(lsp_span_recording))
		return;
	local_irq_save(flags);
	t = lsp_task_by_q(q);
	if (t)
		done = wake_task(t, q, false);
	if (unlikely(!done && atomic_read(&lsp_span_vector_open)))
		done = wake_vector(q);
	/* The owner's waiters are never known, and it wakes some while it rehearses. */
	if (!done && !lsp_filter_is_owner())
		lsp_count(LOCKSPAN_C_UNMATCHED_WAKE);
	local_irq_restore(flags);
}

void lsp_wake_pi(struct task_struct *task)
{
	struct lsp_task *t;
	unsigned long flags;

	/* The kernel calls this function for all of its mutexes, so it returns at once unless it can matter. */
	if (!atomic_read(&lsp_span_pi_open) || !READ_ONCE(lsp_span_recording))
		return;
	t = lsp_task_by_task(task);
	if (!t)
		return;
	local_irq_save(flags);
	wake_task(t, NULL, false);
	local_irq_restore(flags);
}

/* The lock that @t waits for was released before and goes to @t now. No thread has released it for @t. */
static void wake_pass_on(struct lsp_task *t)
{
	struct lsp_key *key = t->key;

	raw_spin_lock(&key->lock);
	t->wake_ns = lsp_ledger_time(&key->ledger, ktime_get_mono_fast_ns());
	t->handoff_ns += lsp_ledger_pass_on(&key->ledger, &t->wait, t->wake_ns);
	raw_spin_unlock(&key->lock);
	t->state = LSP_TASK_WOKEN;
}

/*
 * Finds the key to which the current task's FUTEX_CMP_REQUEUE_PI moves the waiter. Returns false if
 * the current task is in no such call. @lock: the mutex of that key; NULL if @q already has the new
 * key.
 */
static bool requeue_target(const void *q, const void *lock, struct lsp_key_id *id)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct lsp_futex_op op;
	unsigned long args[6];
	u64 wide[6];
	int i;

	syscall_get_arguments(current, regs, args);
	for (i = 0; i < 6; i++)
		wide[i] = args[i];
	if (lsp_futex_op_read((u32)syscall_get_nr(current, regs), wide, in_ia32_syscall(), &op) ||
	    (op.word & FUTEX_CMD_MASK) != FUTEX_CMP_REQUEUE_PI)
		return false;
	if (op.shared) {
		if (lock ? lsp_futexq_pi_key(lock, op.uaddr2, id) : lsp_futexq_key(q, id))
			return true;
		lsp_count(LOCKSPAN_C_SHARED_FALLBACK);
	}
	lsp_futexq_private(current->mm, op.uaddr2, id);
	return true;
}

/* Moves @t to another key, if that is what the current task's call does. The lock of @t is held. */
static bool wake_requeue(struct lsp_task *t, const void *lock)
{
	struct lsp_key_id id;

	if (t->state != LSP_TASK_OPEN || t->pi || t->op != LOCKSPAN_OP_WAIT_REQUEUE_PI ||
	    !requeue_target(t->q, lock, &id))
		return false;
	if (!lsp_key_is(t->key, &id))
		wake_move(t, &id, true);
	return true;
}

void lsp_wake_requeue_pi(struct task_struct *task, const void *lock)
{
	struct lsp_task *t;
	unsigned long flags;

	if (!atomic_read(&lsp_span_pi_open) || !READ_ONCE(lsp_span_recording))
		return;
	t = lsp_task_by_task(task);
	if (!t || task == current)
		return;
	local_irq_save(flags);
	raw_spin_lock(&t->lock);
	wake_requeue(t, lock);
	raw_spin_unlock(&t->lock);
	local_irq_restore(flags);
}

void lsp_wake_state(struct task_struct *task)
{
	struct lsp_task *t;
	unsigned long flags;
	bool granted;

	if (!atomic_read(&lsp_span_pi_open) || !READ_ONCE(lsp_span_recording))
		return;
	t = lsp_task_by_task(task);
	if (!t || task == current)
		return;
	local_irq_save(flags);
	raw_spin_lock(&t->lock);
	/*
	 * The waiter of a free mutex is moved and woken at once, and no other probe sees that it
	 * gets the mutex.
	 */
	granted = wake_requeue(t, NULL);
	if (!granted && t->state == LSP_TASK_OPEN && wake_is_mine(t, NULL, false))
		wake_pass_on(t);
	raw_spin_unlock(&t->lock);
	if (granted)
		wake_task(t, NULL, false);
	local_irq_restore(flags);
}
