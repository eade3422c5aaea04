/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact blame for the waits on one key, in constant time per event.
 *
 * Every waiter has a base, the time from which its wait is not yet accounted
 * for: its enq or the last cut, whichever is later. With n waiters and S the
 * sum of their bases, the time that all of them together have waited since is
 * n * t - S; moving the cut to t hands that amount to whoever held the lock
 * (hold) or to nobody (handoff), and S becomes n * t. Sums are modulo 2^64,
 * which is exact because the true differences fit.
 *
 * Pure arithmetic, in the probes. Differences are taken modulo 2^64 throughout,
 * so neither n * t nor the sum of the bases may be compared.
 *
 * The caller serialises all calls for one ledger, reads the clock under that
 * same lock, and passes it through lsp_ledger_time() first, so that time never
 * runs backwards on a key.
 */
#ifndef _LSP_CORE_LEDGER_H
#define _LSP_CORE_LEDGER_H

#include "types.h"

struct lsp_ledger {
	u64 cut_ns;	/* time up to which every waiter is accounted for */
	u64 last_ns;	/* of the last event; enq and leave move it, not the cut */
	u64 base_sum;	/* S */
	u64 epoch;	/* counts hand-overs: names the one in progress */
	u32 waiters;	/* n */
	bool handoff;	/* the lock is in transit to a woken waiter */
};

/* A waiter's share of a ledger, kept with its span. */
struct lsp_ledger_wait {
	u64 enq_ns;
	u64 epoch;	/* set by release: the hand-over that this waiter is to end */
};

/* What one release did. */
struct lsp_ledger_charge {
	u64 hold_ns;	/* the releaser's hold charge */
	u64 handoff_ns;	/* transit time that ended here and is nobody's */
};

/* Forgets all: no waiters, held. @epoch must not repeat while waits that carry an older one can still run. */
static inline void lsp_ledger_init(struct lsp_ledger *l, u64 epoch)
{
	l->cut_ns = 0;
	l->last_ns = 0;
	l->base_sum = 0;
	l->epoch = epoch;
	l->waiters = 0;
	l->handoff = false;
}

/*
 * @now, but not before the last event here: the time for the next one. The cut
 * alone would not do, for a release that the clock puts before its waiter's
 * enq would charge a negative amount. A waiter that moves to another ledger
 * leaves and queues at one time, the later of the two ledgers'.
 */
static inline u64 lsp_ledger_time(const struct lsp_ledger *l, u64 now)
{
	return now > l->last_ns ? now : l->last_ns;
}

/* Accounts for every waiter up to @t; returns what they waited since the last cut, together. */
static inline u64 ledger_advance(struct lsp_ledger *l, u64 t)
{
	u64 now_sum = l->waiters * t;
	u64 waited_ns = now_sum - l->base_sum;

	l->base_sum = now_sum;
	l->cut_ns = t;
	return waited_ns;
}

/* The part of a release that concerns the others: whose was the time up to @t? */
static inline struct lsp_ledger_charge ledger_charge(struct lsp_ledger *l, u64 t)
{
	struct lsp_ledger_charge charge = { 0, 0 };
	u64 waited_ns = ledger_advance(l, t);

	l->last_ns = t;
	if (l->handoff)
		charge.handoff_ns = waited_ns;
	else
		charge.hold_ns = waited_ns;
	return charge;
}

/* A task queues at @t. Returns the handoff time that its arrival ended (a successful wait proves a holder). */
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

	/* All that are woken while the lock is in transit share one hand-over: the first to run ends it. */
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
 * A waker wakes at @t the woken @w, which found the lock taken by another and waits on for it in the same call.
 * Since @woken_ns, when it was woken last, it has waited for that other, whose hold ends now; and so have all
 * who wait since the hand-over that came to nothing, unless that was over by then.
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
 * The kernel wakes @w at @t for the lock that somebody let go before and nobody has taken up: the hand-over goes
 * on, to another. Returns the handoff time that this closed. A lock that is held is let go now by somebody unseen.
 */
static inline u64 lsp_ledger_pass_on(struct lsp_ledger *l, struct lsp_ledger_wait *w, u64 t)
{
	u64 waited_ns = ledger_advance(l, t);

	l->last_ns = t;
	if (!l->handoff) {
		l->epoch++;
		l->handoff = true;
	}
	w->epoch = l->epoch;
	l->base_sum -= t;
	l->waiters--;
	return waited_ns;
}

/*
 * A waker takes off the queue a waiter that had already left unwoken. Charges
 * the others' time as release does; the lock is held again at once, because
 * the one it was handed to already runs.
 */
static inline struct lsp_ledger_charge lsp_ledger_release_late(struct lsp_ledger *l, u64 t)
{
	struct lsp_ledger_charge charge = ledger_charge(l, t);

	/* A hand-over still in progress is over too; its epoch cannot match again, the next one has a new number. */
	l->handoff = false;
	return charge;
}

/* The woken @w runs at @t. Returns the handoff time that this ended, 0 when somebody else had ended it. */
static inline u64 lsp_ledger_run(struct lsp_ledger *l, const struct lsp_ledger_wait *w, u64 t)
{
	l->last_ns = t;
	if (!l->handoff || w->epoch != l->epoch)
		return 0;
	l->handoff = false;
	return ledger_advance(l, t);
}

/* @w leaves unwoken at @t (timer, signal, never slept, other key, end of session). Returns its tail. */
static inline u64 lsp_ledger_leave(struct lsp_ledger *l, const struct lsp_ledger_wait *w, u64 t)
{
	u64 base_ns = w->enq_ns > l->cut_ns ? w->enq_ns : l->cut_ns;

	l->last_ns = t;
	l->base_sum -= base_ns;
	l->waiters--;
	return t - base_ns;
}

#endif
