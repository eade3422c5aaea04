/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact blame for the waits on one key, in constant time for each event.
 *
 * Every waiter has a base. That is the time from which its wait has not been accounted for: its enq
 * or the last cut, whichever is later. Let n be the number of waiters and S the sum of their bases.
 * Then n * t - S is the time that all of them together have waited since their bases. When the cut
 * moves to t, this time goes to whoever held the lock (hold) or to nobody (handoff), and S becomes
 * n * t. Sums are modulo 2^64. That is exact, because the true differences fit into 64 bits. But
 * neither n * t nor the sum of the bases may be compared.
 *
 * A waiter that leaves unwoken while the lock is held was kept waiting by the same holder that the
 * next release will name. What it has waited since its base is carried on the ledger, and that
 * release is charged with it too. If the last waiter leaves and none comes back soon, the release of
 * that holder makes no system call and is not seen. Then what is carried is given up, and nobody is
 * blamed for it.
 *
 * The functions are pure arithmetic, and run in the probes. The caller serialises all calls for one
 * ledger. It reads the clock under the same lock, and passes the time through lsp_ledger_time()
 * first. So time never runs backwards on a key.
 */
#ifndef _LSP_CORE_LEDGER_H
#define _LSP_CORE_LEDGER_H

#include "types.h"

struct lsp_ledger {
	u64 cut_ns;	/* time up to which every waiter is accounted for */
	u64 last_ns;	/* time of the last event; enq and leave change it, but not the cut */
	u64 base_sum;	/* S: the sum of the waiters' bases */
	u64 epoch;	/* number of hand-overs so far: names the one in progress */
	u32 waiters;	/* n: the number of waiters */
	u32 carry_waits; /* waits that are carried; if 0, carry_ns is not valid */
	u32 given_waits; /* waits that were given up and not yet reported; if 0, given_ns is not valid */
	bool handoff;	/* the lock is in transit to a woken waiter: nothing is carried then */
	bool owes;	/* something may be carried, or given up and not yet reported */
	u64 carry_ns;	/* time that is carried */
	u64 given_ns;	/* time that was given up and not yet reported */
	u64 left_ns;	/* when the last waiter left without being woken */
	u64 left_wait_ns; /* how long that waiter had waited on the key */
};

/* A waiter that comes to an empty key this soon, or within a tenth of the last wait, continues that wait. */
#define LSP_LEDGER_BACK_NS 50000

/* What a ledger has to know of one waiter. It is kept with the waiter's span. */
struct lsp_ledger_wait {
	u64 enq_ns;
	u64 epoch;	/* the hand-over that this waiter ends when it runs; set by its release */
};

/* What one release did. */
struct lsp_ledger_charge {
	u64 hold_ns;	/* the releaser's hold charge */
	u64 carried_ns;	/* part of hold_ns: of waits that had left before */
	u64 handoff_ns;	/* time of a hand-over that ended here; nobody is blamed for it */
};

/* How a waiter leaves without being woken. */
enum lsp_ledger_leave {
	LSP_LEDGER_GONE,	/* it did not sleep, waits on another key now, or the session ends */
	LSP_LEDGER_GAVE_UP,	/* a timer, a signal or a stray wake-up ended the wait: it is carried */
	LSP_LEDGER_UNSEEN,	/* at a time that nobody knows */
};

/* The parts of a wait that was not woken. */
struct lsp_ledger_rest {
	u64 tail_ns;	/* nobody is blamed for it, unless it is carried */
	u64 handoff_ns;	/* the lock was in transit */
	bool carried;	/* tail_ns is carried */
};

/* Begins anew: no waiters, lock held. No wait that can still run may carry a later epoch than @epoch. */
static inline void lsp_ledger_init(struct lsp_ledger *l, u64 epoch)
{
	l->cut_ns = 0;
	l->last_ns = 0;
	l->base_sum = 0;
	l->epoch = epoch;
	l->waiters = 0;
	l->carry_waits = 0;
	l->given_waits = 0;
	l->handoff = false;
	l->owes = false;
}

/*
 * The time for the next event: @now, but not before the last event. It is not enough that it is not
 * before the cut: a release that the clock puts before the enq of its waiter would charge a
 * negative time. A waiter that moves to another ledger leaves the one and queues at the other at
 * the same time, the later of the two.
 */
static inline u64 lsp_ledger_time(const struct lsp_ledger *l, u64 now)
{
	return now > l->last_ns ? now : l->last_ns;
}

/*
 * Accounts for every waiter up to @t. Returns the time that they have waited since the last cut,
 * all together.
 */
static inline u64 ledger_advance(struct lsp_ledger *l, u64 t)
{
	u64 now_sum = l->waiters * t;
	u64 waited_ns = now_sum - l->base_sum;

	l->base_sum = now_sum;
	l->cut_ns = t;
	return waited_ns;
}

/* The part of a release that concerns all waiters: whose was the time up to @t? */
static inline struct lsp_ledger_charge ledger_charge(struct lsp_ledger *l, u64 t)
{
	struct lsp_ledger_charge charge = { 0, 0, 0 };
	u64 waited_ns = ledger_advance(l, t);

	l->last_ns = t;
	if (l->handoff) {
		charge.handoff_ns = waited_ns;
		return charge;
	}
	charge.hold_ns = waited_ns;
	if (__builtin_expect(l->carry_waits, 0)) {
		charge.carried_ns = l->carry_ns;
		charge.hold_ns += l->carry_ns;
		l->carry_waits = 0;
	}
	return charge;
}

/* No release will answer for what is carried. */
static inline void lsp_ledger_give_up(struct lsp_ledger *l)
{
	if (!l->carry_waits)
		return;
	l->given_ns = (l->given_waits ? l->given_ns : 0) + l->carry_ns;
	l->given_waits += l->carry_waits;
	l->carry_waits = 0;
}

static inline bool lsp_ledger_carries(const struct lsp_ledger *l)
{
	return __builtin_expect(l->carry_waits, 0);
}

/* Before a task queues at @t on a ledger that carries something: gives that up if the task comes too late. */
static inline void lsp_ledger_expire(struct lsp_ledger *l, u64 t)
{
	u64 back_ns = l->left_wait_ns / 10;

	if (back_ns < LSP_LEDGER_BACK_NS)
		back_ns = LSP_LEDGER_BACK_NS;
	if (l->carry_waits && !l->waiters && t - l->left_ns > back_ns)
		lsp_ledger_give_up(l);
}

/*
 * A task queues at @t. That it has to wait proves that the lock is held. If lsp_ledger_carries(),
 * lsp_ledger_expire() was called before. Returns the handoff time that ends with this.
 */
static inline u64 lsp_ledger_enq(struct lsp_ledger *l, struct lsp_ledger_wait *w, u64 t)
{
	u64 handoff_ns = 0;

	l->last_ns = t;
	if (l->handoff) {
		handoff_ns = ledger_advance(l, t);
		l->handoff = false;
	}
	w->enq_ns = t;
	w->epoch = 0;
	l->base_sum += t;
	l->waiters++;
	return handoff_ns;
}

/* A waker takes @w off the queue at @t. */
static inline struct lsp_ledger_charge lsp_ledger_release(struct lsp_ledger *l, struct lsp_ledger_wait *w, u64 t)
{
	struct lsp_ledger_charge charge = ledger_charge(l, t);

	/*
	 * All tasks that are woken during one hand-over have its number. The first of them that
	 * runs ends it.
	 */
	if (!l->handoff) {
		l->epoch++;
		l->handoff = true;
	}
	w->epoch = l->epoch;
	l->base_sum -= t;
	l->waiters--;
	return charge;
}

/*
 * @w was woken at @woken_ns, found that another thread had taken the lock, and waited on in the
 * same call. At @t it is woken again. So that other thread has held the lock since @woken_ns, and
 * is charged with the time of @w. The hand-over to @w came to nothing. If nobody else has ended it,
 * all other waiters have also waited for that thread since then.
 */
static inline struct lsp_ledger_charge lsp_ledger_release_again(struct lsp_ledger *l, struct lsp_ledger_wait *w,
								u64 woken_ns, u64 t)
{
	struct lsp_ledger_charge charge;

	if (w->epoch == l->epoch)
		l->handoff = false;
	charge = ledger_charge(l, t);
	charge.hold_ns += t - woken_ns;
	if (!l->handoff) {
		l->epoch++;
		l->handoff = true;
	}
	w->epoch = l->epoch;
	return charge;
}

/*
 * At @t the kernel wakes @w for a lock that was released before and that nobody has taken up: the
 * hand-over goes to another task. Returns the handoff time up to @t. If the lock is held, somebody
 * has released it unseen. That holder cannot be charged with what is carried, so it is given up.
 */
static inline u64 lsp_ledger_pass_on(struct lsp_ledger *l, struct lsp_ledger_wait *w, u64 t)
{
	u64 waited_ns = ledger_advance(l, t);

	l->last_ns = t;
	if (!l->handoff) {
		lsp_ledger_give_up(l);
		l->epoch++;
		l->handoff = true;
	}
	w->epoch = l->epoch;
	l->base_sum -= t;
	l->waiters--;
	return waited_ns;
}

/*
 * At @t a waker takes off the queue a waiter that had already left without being woken. This
 * charges the time of the others like any release. The lock is held again at once, because the task
 * that received it is already running.
 */
static inline struct lsp_ledger_charge lsp_ledger_release_late(struct lsp_ledger *l, u64 t)
{
	struct lsp_ledger_charge charge = ledger_charge(l, t);

	/*
	 * A hand-over in progress is over as well. Its number does not occur again, because the
	 * next one has a new number.
	 */
	l->handoff = false;
	return charge;
}

/*
 * The woken @w runs at @t. Returns the handoff time that ends with this, or 0 if something else has
 * ended it before.
 */
static inline u64 lsp_ledger_run(struct lsp_ledger *l, const struct lsp_ledger_wait *w, u64 t)
{
	l->last_ns = t;
	if (!l->handoff || w->epoch != l->epoch)
		return 0;
	l->handoff = false;
	return ledger_advance(l, t);
}

/* @w leaves at @t without being woken. */
static inline struct lsp_ledger_rest lsp_ledger_leave(struct lsp_ledger *l, const struct lsp_ledger_wait *w,
						      u64 t, enum lsp_ledger_leave how)
{
	u64 base_ns = w->enq_ns > l->cut_ns ? w->enq_ns : l->cut_ns;
	struct lsp_ledger_rest rest = { 0, 0, false };

	l->last_ns = t;
	l->base_sum -= base_ns;
	l->waiters--;
	l->left_ns = t;
	l->left_wait_ns = t - w->enq_ns;
	if (l->handoff && how != LSP_LEDGER_UNSEEN) {
		rest.handoff_ns = t - base_ns;
		return rest;
	}
	rest.tail_ns = t - base_ns;
	rest.carried = !l->handoff && how == LSP_LEDGER_GAVE_UP;
	if (rest.carried) {
		l->carry_ns = (l->carry_waits ? l->carry_ns : 0) + rest.tail_ns;
		l->carry_waits++;
		l->owes = true;
	}
	return rest;
}

#endif
