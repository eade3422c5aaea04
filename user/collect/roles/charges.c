// SPDX-License-Identifier: GPL-2.0-only
#include "charges.h"

#include <errno.h>
#include <stdlib.h>

#include "../../../kmod/core/ledger.h"

/* Nobody woke it: the only place that decides what such a wait leaves behind. */
static void unwoken_leave(struct lsp_ledger *l, struct lsp_wait *w, const struct lsp_ledger_wait *share)
{
	struct lsp_ledger_rest rest = lsp_ledger_leave(l, share, w->run_ns,
						       w->gives_up ? LSP_LEDGER_GAVE_UP : LSP_LEDGER_GONE);

	w->tail_ns += rest.tail_ns;
	w->handoff_ns += rest.handoff_ns;
	w->carried = rest.carried;
}

static void released(struct lsp_ledger *l, struct lsp_wait *w, struct lsp_ledger_wait *share)
{
	struct lsp_ledger_charge charge = w->wake_ns ? lsp_ledger_release(l, share, w->wake_ns) :
						       lsp_ledger_release_late(l, w->late_ns);

	w->hold_ns = charge.hold_ns;
	w->carried_ns = charge.carried_ns;
	w->closed_ns = charge.handoff_ns;
	w->left = l->waiters;
}

static void moment_apply(const struct lsp_moment *m, struct lsp_ledger *l, struct lsp_wait *w,
			 struct lsp_ledger_wait *share)
{
	switch (m->kind) {
	case LSP_MOMENT_WAKE:
		released(l, w, share);
		break;
	case LSP_MOMENT_RUN:
		if (w->wake_ns)
			w->handoff_ns += lsp_ledger_run(l, share, w->run_ns);
		else
			unwoken_leave(l, w, share);
		break;
	default:
		if (lsp_ledger_carries(l))
			lsp_ledger_expire(l, w->enq_ns);
		w->handoff_ns += lsp_ledger_enq(l, share, w->enq_ns);
	}
}

int lsp_charges_find(struct lsp_wait *waits, size_t n, uint32_t groups, struct lsp_given *given,
		     const struct lsp_charges_watch *watch)
{
	struct lsp_ledger *ledgers = calloc(groups ? groups : 1, sizeof(*ledgers));
	struct lsp_ledger_wait *shares = calloc(n ? n : 1, sizeof(*shares));
	size_t nmoments = 0;
	struct lsp_moment *moments = lsp_moments_create(waits, n, &nmoments);
	int err = ledgers && shares && moments ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < groups; i++)
		lsp_ledger_init(&ledgers[i], 0);
	for (size_t i = 0; !err && i < n; i++)
		waits[i].hold_ns = waits[i].carried_ns = waits[i].closed_ns = waits[i].handoff_ns = waits[i].tail_ns = 0;
	for (size_t i = 0; !err && i < nmoments; i++) {
		struct lsp_wait *w = &waits[moments[i].wait];
		struct lsp_ledger *l = &ledgers[w->group];
		uint64_t cut_ns = l->cut_ns;
		bool held = !l->handoff;

		moment_apply(&moments[i], l, w, &shares[moments[i].wait]);
		if (watch)
			err = watch->moment(watch->arg, &moments[i], cut_ns, held);
	}
	for (uint32_t i = 0; !err && given && i < groups; i++) {
		lsp_ledger_give_up(&ledgers[i]);
		given[i].waits = ledgers[i].given_waits;
		given[i].wait_ns = given[i].waits ? ledgers[i].given_ns : 0;
	}
	free(moments);
	free(shares);
	free(ledgers);
	return err;
}
