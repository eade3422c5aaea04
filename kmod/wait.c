// SPDX-License-Identifier: GPL-2.0-only
#include "wait.h"

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/syscall.h>

#include "close.h"
#include "core/futex_op.h"
#include "counter.h"
#include "filter.h"
#include "futexq.h"
#include "rates.h"
#include "ring.h"
#include "span.h"
#include "ustack.h"
#include "widen.h"

/* A woken task that waits on the same key again within this time found the lock taken. */
#define REWAIT_NS 50000

/* The first element of the vector of futex_waitv. The headers of 5.10 do not define it. */
struct waitv_element {
	u64 val;
	u64 uaddr;
	u32 flags;
	u32 reserved;
};
#define WAITV_PRIVATE 128

static DEFINE_PER_CPU(u64, span_count);

static noinline void wait_op_read(const struct lsp_task *t, struct lsp_futex_op *ret)
{
	struct pt_regs *regs = task_pt_regs(current);
	bool compat = in_ia32_syscall();
	unsigned long args[6];
	u64 nr = (u32)syscall_get_nr(current, regs);
	u64 wide[6];
	int i;

	if (lsp_call_is_restart((u32)nr, compat)) {
		/*
		 * The registers no longer have the interrupted call's operation. The span that the
		 * signal ended has it.
		 */
		ret->uaddr = (unsigned long)current->restart_block.futex.uaddr;
		ret->uaddr2 = 0;
		ret->op = LOCKSPAN_OP_WAIT;
		ret->word = 0;
		ret->shared = false;
		if (t && t->uaddr == ret->uaddr && t->outcome == LOCKSPAN_SIGNAL) {
			ret->op = t->op;
			ret->word = t->op_word;
			ret->shared = t->flags & LOCKSPAN_SPAN_SHARED;
		}
		return;
	}
	syscall_get_arguments(current, regs, args);
	for (i = 0; i < 6; i++)
		wide[i] = args[i];
	lsp_futex_op_read(nr, wide, compat, ret);
	if (ret->op == LOCKSPAN_OP_WAITV) {
		struct waitv_element first;

		if (!copy_from_user_nofault(&first, (void __user *)ret->uaddr, sizeof(first))) {
			ret->uaddr = first.uaddr;
			ret->shared = !(first.flags & WAITV_PRIVATE);
		}
	}
}

/* Fills @id with the key of the wait. @queued: @q is on its queue, so the kernel has filled in its key. */
static void wait_identify(const void *q, const void *lock, const struct lsp_futex_op *op, bool queued,
			  struct lsp_key_id *id)
{
	if (op->shared && queued) {
		if (lock && lsp_futexq_pi_key(lock, op->uaddr, id))
			return;
		/* A vector has many entries. Their keys have not been filled in yet. */
		if (q && op->op != LOCKSPAN_OP_WAITV && lsp_futexq_key(q, id))
			return;
		lsp_count(LOCKSPAN_C_SHARED_FALLBACK);
	}
	lsp_futexq_private(current->mm, op->uaddr, id);
}

/* The q of a prepared wait on a shared word is queued now. Replaces the provisional key by the kernel's. */
static void wait_rekey(struct lsp_task *t)
{
	struct lsp_key_id id;
	struct lsp_key *key = NULL;

	if (lsp_futexq_key(t->q, &id)) {
		if (lsp_key_is(t->key, &id))
			return;
		key = lsp_key_get(&id);
	}
	if (!key) {
		lsp_count(LOCKSPAN_C_SHARED_FALLBACK);
		return;
	}
	lsp_key_put(t->key);
	t->key = key;
	t->begin_key = key->hash;
}

/*
 * Gives @t the key that it waits on. Returns false if there is no room for the key, which is
 * counted if @count.
 */
static noinline bool wait_key_take(struct lsp_task *t, const void *q, const void *lock,
				   const struct lsp_futex_op *op, bool count)
{
	struct lsp_key_id id;
	struct lsp_key *key;

	wait_identify(q, lock, op, count, &id);
	if (t->key && lsp_key_is(t->key, &id))
		return true;
	key = lsp_key_get(&id);
	if (!key) {
		if (count)
			lsp_count(LOCKSPAN_C_LOST_KEY_TABLE);
		return false;
	}
	lsp_key_put(t->key);
	t->key = key;
	t->outcome = LOCKSPAN_OUTCOME_COUNT;
	return true;
}

static __always_inline void wait_describe_begin(struct lsp_task *t, const void *q, bool pi)
{
	t->q = q;
	t->tid = current->pid;
	t->tgid = current->tgid;
	t->pi = pi;
	t->owner_died = false;
	t->id = ((u64)(smp_processor_id() + 1) << 40) | this_cpu_inc_return(span_count);
	t->begin_key = t->key->hash;
	t->wake_ns = 0;
	t->tail_ns = 0;
	t->handoff_ns = 0;
	t->waker_tid = 0;
	t->waker_tgid = 0;
}

static noinline bool wait_describe_any(struct lsp_task *t, const void *q, const void *lock, bool count)
{
	struct lsp_futex_op op;

	wait_op_read(t, &op);
	/* The waiter has been moved to the second word, and now comes to take the mutex there. */
	if (lock && op.op == LOCKSPAN_OP_WAIT_REQUEUE_PI)
		op.uaddr = op.uaddr2;
	if (!lsp_filter_op(op.op)) {
		if (count)
			lsp_count(LOCKSPAN_C_FILTERED);
		return false;
	}
	if (!wait_key_take(t, q, lock, &op, count))
		return false;
	t->op = op.op;
	t->op_word = op.word;
	t->uaddr = op.uaddr;
	t->flags = (op.shared ? LOCKSPAN_SPAN_SHARED : 0) |
		   (in_ia32_syscall() ? LOCKSPAN_SPAN_COMPAT : 0);
	t->plain = !t->flags && !lock && (u32)task_pt_regs(current)->orig_ax == __NR_futex;
	wait_describe_begin(t, q, lock);
	return true;
}

/*
 * Whether the current task makes the same call as before: futex(2) of 64 bits, with the operation
 * and the private word that @t has. Then its key is the same, too. That is so for nearly every
 * wait.
 */
static __always_inline bool wait_is_like_last(const struct lsp_task *t)
{
	const struct pt_regs *regs = task_pt_regs(current);
	const struct lsp_key *key = t->key;

	return key && t->uaddr == regs->di && t->op_word == (u32)regs->si && t->plain &&
	       (u32)regs->orig_ax == __NR_futex && !in_ia32_syscall() &&
	       key->id.word[0] == (u64)(unsigned long)current->mm &&
	       (key->id.word[1] | key->id.word[2]) == regs->di;
}

/*
 * Reads what the current task waits for into @t, whose lock is held. Returns false if the wait is
 * not observed, which is counted if @count. While a wait is only prepared, @count is false.
 */
static __always_inline bool wait_describe(struct lsp_task *t, const void *q, const void *lock, bool count)
{
	if (likely(!lock && wait_is_like_last(t))) {
		t->flags = 0;
		wait_describe_begin(t, q, false);
		return true;
	}
	return wait_describe_any(t, q, lock, count);
}

static void wait_finish(struct lsp_task *t, bool same_call);

/*
 * If a wait's end was missed, the wait must not stay in the ledger. It ends when the task waits
 * again, if not before.
 */
static void wait_finish_last(struct lsp_task *t, bool same_call)
{
	if (unlikely(lsp_task_waits(t)))
		wait_finish(t, same_call);
}

void lsp_wait_prepare(const void *q)
{
	struct lsp_task *t;
	unsigned long flags;

	if (!READ_ONCE(lsp_span_recording) || !lsp_filter_current(false))
		return;
	local_irq_save(flags);
	t = lsp_task_current();
	if (t) {
		raw_spin_lock(&t->lock);
		wait_finish_last(t, false);
		t->state = wait_describe(t, q, NULL, false) ? LSP_TASK_PREPARED : LSP_TASK_IDLE;
		raw_spin_unlock(&t->lock);
	}
	local_irq_restore(flags);
}

/* Out of line: hardly ever is anything carried on the key that a task comes to. */
static noinline void wait_expire(struct lsp_task *t)
{
	lsp_key_expire(t->key, t->enq_ns);
}

static __always_inline void wait_enqueue(struct lsp_task *t)
{
	struct lsp_ledger *ledger;

	if (t->state == LSP_TASK_PREPARED && t->flags & LOCKSPAN_SPAN_SHARED)
		wait_rekey(t);
	ledger = &t->key->ledger;
	raw_spin_lock(&t->key->lock);
	t->enq_ns = lsp_ledger_time(ledger, ktime_get_mono_fast_ns());
	if (lsp_ledger_carries(ledger))
		wait_expire(t);
	t->handoff_ns += lsp_ledger_enq(ledger, &t->wait, t->enq_ns);
	lsp_why_crowd_enq(t->key->crowd, ledger, t->enq_ns);
	t->depth = min_t(u32, ledger->waiters, U16_MAX);
	raw_spin_unlock(&t->key->lock);

	if (t->outcome == LOCKSPAN_WOKEN && t->enq_ns - t->run_ns < REWAIT_NS) {
		t->flags |= LOCKSPAN_SPAN_REWAIT;
		lsp_count(LOCKSPAN_C_REWAITS);
	}
}

void lsp_wait_enqueue(struct lsp_task *t)
{
	wait_enqueue(t);
}

void lsp_wait_learn(const void *q)
{
	struct lsp_futex_op op;

	if (!q || !current->mm)
		return;
	wait_op_read(NULL, &op);
	if (!op.shared && (op.op == LOCKSPAN_OP_WAIT || op.op == LOCKSPAN_OP_WAIT_BITSET))
		lsp_futexq_learn(q, op.uaddr);
}

struct lsp_task *lsp_wait_begin(const void *q, const void *lock, const struct hrtimer_sleeper *to)
{
	struct lsp_task *t;
	unsigned long flags;
	bool prepared;

	if (!READ_ONCE(lsp_span_recording) || !lsp_filter_current(true))
		return NULL;
	local_irq_save(flags);
	t = lsp_task_current();
	if (!t) {
		lsp_count(LOCKSPAN_C_LOST_TASK_TABLE);
		goto out_irq;
	}
	raw_spin_lock(&t->lock);
	prepared = (t->state == LSP_TASK_PREPARED || t->state == LSP_TASK_WOKEN) &&
		   t->q == q && !t->pi && !lock;
	if (!prepared) {
		wait_finish_last(t, lock && t->op == LOCKSPAN_OP_WAIT_REQUEUE_PI);
		if (!wait_describe(t, q, lock, true)) {
			t->state = LSP_TASK_IDLE;
			raw_spin_unlock(&t->lock);
			t = NULL;
			goto out_irq;
		}
	}
	if (!prepared || t->state == LSP_TASK_PREPARED) {
		wait_enqueue(t);
		t->state = LSP_TASK_OPEN;
	}
	t->to = to;
	t->nvcsw = current->nvcsw;
	lsp_span_open_add(t, 1);
	raw_spin_unlock(&t->lock);
out_irq:
	local_irq_restore(flags);
	return t;
}

static __always_inline u8 wait_outcome(const struct lsp_task *t, bool woken)
{
	if (current->nvcsw == t->nvcsw)
		return LOCKSPAN_NOSLEEP;
	if (!woken) {
		/* A timer that fires clears its task pointer. */
		if (t->to && !READ_ONCE(t->to->task))
			return LOCKSPAN_TIMEOUT;
		return signal_pending(current) ? LOCKSPAN_SIGNAL : LOCKSPAN_STRAY;
	}
	if (t->owner_died)
		return LOCKSPAN_OWNER_DIED;
	/* A vector waits on all its words at once. Being woken on another word than the first is no requeue. */
	return t->op != LOCKSPAN_OP_WAITV && t->begin_key != t->key->hash ? LOCKSPAN_REQUEUED :
									    LOCKSPAN_WOKEN;
}

/*
 * Decides whether the span that ended with @outcome and @flags is kept, and sends it. These two are
 * parameters because a late waker, which sends a correction itself, may change those of the entry
 * meanwhile. Preemption is off.
 */
static __always_inline void wait_send(const struct lsp_task *t, u8 outcome, u16 flags)
{
	u64 rate_ns = lsp_rate_block_ns(), lock_wait_ns = lsp_span_lock_wait_ns(t);
	bool nosleep = outcome == LOCKSPAN_NOSLEEP;
	struct lockspan_span *s;
	u64 stack = 0;

	if (!nosleep && !lsp_filter_delay(lock_wait_ns)) {
		lsp_count(LOCKSPAN_C_FILTERED);
		return;
	}
	if (!lsp_rate_keep_wait(lock_wait_ns, rate_ns)) {
		if (!nosleep)
			lsp_count(LOCKSPAN_C_SAMPLED_OUT);
		return;
	}
	if (!nosleep)
		stack = lsp_ustack_current();
	s = lsp_ring_reserve(sizeof(*s));
	if (!s) {
		lsp_count(nosleep ? LOCKSPAN_C_LOST_NOSLEEP_RING : LOCKSPAN_C_LOST_SPAN_RING);
		return;
	}
	lsp_span_fill(s, t, current->comm, stack, rate_ns);
	s->outcome = outcome;
	s->rec.flags = flags;
	lsp_ring_commit(sizeof(*s));
	if (!nosleep)
		lsp_count(LOCKSPAN_C_KEPT);
}

/* How a wait that nobody woke leaves its key. One that was requeued has left a part elsewhere, and is not carried. */
static enum lsp_ledger_leave wait_leaves(const struct lsp_task *t, bool seen)
{
	if (t->outcome != LOCKSPAN_TIMEOUT && t->outcome != LOCKSPAN_SIGNAL && t->outcome != LOCKSPAN_STRAY)
		return LSP_LEDGER_GONE;
	if (!seen && t->outcome != LOCKSPAN_TIMEOUT)
		return LSP_LEDGER_UNSEEN;
	return t->begin_key == t->key->hash ? LSP_LEDGER_GAVE_UP : LSP_LEDGER_GONE;
}

/* Takes the open @t, which nobody woke, out of its ledger at its run_ns. Its lock and its key's lock are held. */
static void wait_rest(struct lsp_task *t, enum lsp_ledger_leave how)
{
	struct lsp_key *key = t->key;
	struct lsp_ledger_rest rest = lsp_ledger_leave(&key->ledger, &t->wait, t->run_ns, how);

	if (key->crowd)
		lsp_why_crowd_leave(key->crowd, &key->ledger, t->wait.enq_ns, t->run_ns, rest.carried);
	t->tail_ns += rest.tail_ns;
	t->handoff_ns += rest.handoff_ns;
	if (!rest.carried)
		return;
	t->flags |= LOCKSPAN_SPAN_CARRIED;
	key->left.uaddr = t->uaddr;
	key->left.tgid = t->tgid;
	key->left.tid = t->tid;
	key->left.op = t->op;
	key->left.flags = t->flags & LOCKSPAN_SPAN_SHARED;
}

/* Takes an open wait out of its ledger, at the present time. Its outcome is known. @seen: so is the time of its end. */
static noinline void wait_leave_unwoken(struct lsp_task *t, bool seen)
{
	struct lsp_key *key = t->key;

	raw_spin_lock(&key->lock);
	t->run_ns = lsp_ledger_time(&key->ledger, ktime_get_mono_fast_ns());
	wait_rest(t, wait_leaves(t, seen));
	raw_spin_unlock(&key->lock);
}

/* Takes a wait that is open or woken out of its ledger, at the present time. The lock of @t is held. */
static __always_inline void wait_leave(struct lsp_task *t, bool seen)
{
	struct lsp_ledger *ledger = &t->key->ledger;
	bool woken = t->state == LSP_TASK_WOKEN;

	if (likely(woken)) {
		raw_spin_lock(&t->key->lock);
		t->run_ns = lsp_ledger_time(ledger, ktime_get_mono_fast_ns());
		t->handoff_ns += lsp_ledger_run(ledger, &t->wait, t->run_ns);
		raw_spin_unlock(&t->key->lock);
		t->outcome = wait_outcome(t, true);
	} else {
		t->outcome = wait_outcome(t, false);
		wait_leave_unwoken(t, seen);
	}
	if (woken && t->outcome == LOCKSPAN_NOSLEEP) {
		t->flags |= LOCKSPAN_SPAN_RELEASED;
		lsp_count(LOCKSPAN_C_NOSLEEP_RELEASED);
	}
	t->state = LSP_TASK_CLOSING;
	lsp_span_open_add(t, -1);
}

/*
 * Ends a wait that is still open when the next wait of its task begins, or when its entry is given
 * up. @same_call: the next wait belongs to the same system call, as after a requeue, so the timer
 * still exists and can be read. Otherwise the timer is gone, and the time at which the wait ended
 * is not known.
 */
static noinline void wait_finish(struct lsp_task *t, bool same_call)
{
	if (!same_call)
		t->to = NULL;
	wait_leave(t, same_call);
	if (!same_call && (t->outcome == LOCKSPAN_SIGNAL || t->outcome == LOCKSPAN_STRAY)) {
		t->outcome = LOCKSPAN_ERROR;
		lsp_count_add(LOCKSPAN_C_ERROR_WAIT_NS, lsp_span_lock_wait_ns(t));
	}
	lsp_span_count(t);
	wait_send(t, t->outcome, t->flags);
}

void lsp_wait_exit(struct task_struct *task)
{
	struct lsp_task *t;
	unsigned long flags;

	local_irq_save(flags);
	t = lsp_task_by_task(task);
	if (t && t->task == task && READ_ONCE(lsp_span_recording)) {
		raw_spin_lock(&t->lock);
		wait_finish_last(t, false);
		raw_spin_unlock(&t->lock);
	}
	local_irq_restore(flags);
}

/*
 * Which wait of a task is to be ended. WAIT_ANY: the one that it has, because the caller knows that
 * it is the right one.
 */
enum which { WAIT_ANY, WAIT_OF_Q, WAIT_REQUEUE_PI };

static __always_inline bool wait_is(const struct lsp_task *t, enum which which, const void *q)
{
	if (!lsp_task_waits(t) || lsp_widen_every(LSP_WIDEN_MISS))
		return false;
	if (which == WAIT_OF_Q)
		return t->q == q && t->op != LOCKSPAN_OP_WAITV;
	return which == WAIT_ANY || (!t->pi && t->op == LOCKSPAN_OP_WAIT_REQUEUE_PI);
}

static __always_inline void wait_end(struct lsp_task *t, enum which which, const void *q, long result)
{
	/* Looks like a timer that has fired. */
	static const struct hrtimer_sleeper fired;
	bool mine;
	u8 outcome;
	u16 flags;

	raw_spin_lock(&t->lock);
	mine = wait_is(t, which, q);
	if (mine) {
		/* The wait's own timer was on the stack of the call, and does not exist any more. */
		if (which == WAIT_REQUEUE_PI)
			t->to = result == -ETIMEDOUT ? &fired : NULL;
		wait_leave(t, true);
		/*
		 * Counted here, because a late waker may correct the counters as soon as the lock
		 * is released.
		 */
		lsp_span_count(t);
		outcome = t->outcome;
		flags = t->flags;
	}
	raw_spin_unlock(&t->lock);
	if (!mine)
		return;
	lsp_widen(LSP_WIDEN_TELL);
	wait_send(t, outcome, flags);
}

/* Ends the current task's wait when it leaves the wait after the freeze, see close.h. */
static noinline void wait_end_frozen(enum which which, const void *q)
{
	struct lsp_task *t;
	unsigned long flags;

	local_irq_save(flags);
	t = lsp_task_by_stack((unsigned long)current->stack);
	if (t) {
		raw_spin_lock(&t->lock);
		if (wait_is(t, which, q))
			lsp_close_own(t);
		raw_spin_unlock(&t->lock);
	}
	local_irq_restore(flags);
}

void lsp_wait_end(struct lsp_task *t)
{
	unsigned long flags;

	if (unlikely(!READ_ONCE(lsp_span_recording))) {
		wait_end_frozen(WAIT_ANY, NULL);
		return;
	}
	local_irq_save(flags);
	wait_end(t, WAIT_ANY, NULL, 0);
	local_irq_restore(flags);
}

/* Ends the wait of the current task, if the task has an entry. */
static __always_inline void wait_end_current(enum which which, const void *q, long result)
{
	struct lsp_task *t;
	unsigned long flags;

	if (unlikely(!READ_ONCE(lsp_span_recording))) {
		wait_end_frozen(which, q);
		return;
	}
	local_irq_save(flags);
	t = lsp_task_by_stack((unsigned long)current->stack);
	if (t)
		wait_end(t, which, q, result);
	local_irq_restore(flags);
}

void lsp_wait_end_q(const void *q)
{
	wait_end_current(WAIT_OF_Q, q, 0);
}

void lsp_wait_end_requeue_pi(long result)
{
	wait_end_current(WAIT_REQUEUE_PI, NULL, result);
}

void lsp_wait_io_uring(void)
{
	if (READ_ONCE(lsp_span_recording) && lsp_filter_current(false))
		lsp_count(LOCKSPAN_C_IO_URING);
}
