// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger of one key. Pure arithmetic: runs in the probes under the key's
 * raw lock, which belongs to the caller. Differences are taken modulo 2^64
 * throughout, so neither n * t nor the sum of the bases may be compared.
 */
#include "ledger.h"

void lsp_ledger_init(struct lsp_ledger *l, u64 epoch)
{
	l->cut_ns = 0;
	l->last_ns = 0;
	l->base_sum = 0;
	l->epoch = epoch;
	l->waiters = 0;
	l->handoff = false;
}

u64 lsp_ledger_time(const struct lsp_ledger *l, u64 now)
{
	return now > l->last_ns ? now : l->last_ns;
}

/* Accounts for every waiter up to @t; returns what they waited since the last cut, together. */
static u64 ledger_advance(struct lsp_ledger *l, u64 t)
{
	u64 now_sum = l->waiters * t;
	u64 waited_ns = now_sum - l->base_sum;

	l->base_sum = now_sum;
	l->cut_ns = t;
	return waited_ns;
}

u64 lsp_ledger_enq(struct lsp_ledger *l, struct lsp_ledger_wait *w, u64 t)
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

/* The part of a release that concerns the others: whose was the time up to @t? */
static struct lsp_ledger_charge ledger_charge(struct lsp_ledger *l, u64 t)
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

struct lsp_ledger_charge lsp_ledger_release(struct lsp_ledger *l, struct lsp_ledger_wait *w, u64 t)
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

struct lsp_ledger_charge lsp_ledger_release_late(struct lsp_ledger *l, u64 t)
{
	struct lsp_ledger_charge charge = ledger_charge(l, t);

	/* A hand-over still in progress is over too; its epoch cannot match again, the next one has a new number. */
	l->handoff = false;
	return charge;
}

u64 lsp_ledger_run(struct lsp_ledger *l, const struct lsp_ledger_wait *w, u64 t)
{
	l->last_ns = t;
	if (!l->handoff || w->epoch != l->epoch)
		return 0;
	l->handoff = false;
	return ledger_advance(l, t);
}

u64 lsp_ledger_leave(struct lsp_ledger *l, const struct lsp_ledger_wait *w, u64 t)
{
	u64 base_ns = w->enq_ns > l->cut_ns ? w->enq_ns : l->cut_ns;

	l->last_ns = t;
	l->base_sum -= base_ns;
	l->waiters--;
	return t - base_ns;
}
