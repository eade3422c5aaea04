// SPDX-License-Identifier: GPL-2.0-only
#include "times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../kmod/core/ledger.h"

/* At one time in this order, as in a virtual key's queue (roles/waits.h). */
enum kind {
	ENQ_FIRST,	/* of a wait without length: before its own end */
	RELEASE,
	RUN,		/* of a wait that nobody woke: it leaves */
	ENQ,
};

struct moment {
	uint64_t at_ns;
	uint32_t group;
	uint32_t what;		/* place of a wait, or of a release, which is after all waits */
	uint32_t kind;
};

struct work {
	const struct lsp_root_events *e;
	struct lsp_times *t;
	struct moment *moments;
	size_t nmoments;
	struct lsp_ledger_wait *shares;	/* by wait */
	uint64_t *left_ns;		/* by wait: when its queue's ledger no longer counted it; 0: it still does */
	uint32_t *wait_of;		/* by release */
};

static int moment_compare(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->what < y->what ? -1 : x->what > y->what;
}

static void moment_add(struct work *k, uint32_t group, uint64_t at_ns, enum kind kind, size_t what)
{
	k->moments[k->nmoments++] = (struct moment){ .at_ns = at_ns, .group = group, .what = (uint32_t)what, .kind = kind };
}

static int moments_make(struct work *k)
{
	const struct lsp_root_events *e = k->e;

	k->moments = malloc((2 * e->nwaits + e->nreleases + 1) * sizeof(*k->moments));
	if (!k->moments)
		return -ENOMEM;
	for (size_t i = 0; i < e->nwaits; i++) {
		const struct lsp_root_wait *w = &e->waits[i];

		moment_add(k, w->group, w->enq_ns, (w->wake_ns ? w->wake_ns : w->run_ns) > w->enq_ns ? ENQ : ENQ_FIRST, i);
		moment_add(k, w->group, w->run_ns, RUN, i);
	}
	for (size_t i = 0; i < e->nreleases; i++) {
		const struct lsp_root_release *r = &e->releases[i];
		uint64_t left_ns = k->wait_of[i] == LSP_INDEX_NONE ? 0 : e->waits[k->wait_of[i]].run_ns;
		bool late = r->flags & LOCKSPAN_RELEASE_LATE && r->time_ns < left_ns;

		moment_add(k, r->group, late ? left_ns : r->time_ns, RELEASE, i);
	}
	qsort(k->moments, k->nmoments, sizeof(*k->moments), moment_compare);
	return 0;
}

static void waits_join(struct work *k)
{
	const struct lsp_root_events *e = k->e;

	for (size_t i = 0; i < e->nreleases; i++) {
		const struct lsp_root_wait *w = lsp_root_events_wait(e, e->releases[i].span);

		k->wait_of[i] = w ? (uint32_t)(w - e->waits) : LSP_INDEX_NONE;
	}
}

/* ---- one group's ledger ---- */

static int segment_end(struct lsp_times *t, uint32_t group, uint64_t end_ns, uint32_t release)
{
	struct lsp_times_segment *last = t->nsegments > t->segment_first[group] ? &t->segments[t->nsegments - 1] : NULL;

	if (last && last->end_ns >= end_ns)
		return 0;
	if (lsp_array_grow(&t->segments, &t->segments_room, t->nsegments, sizeof(*t->segments)))
		return -ENOMEM;
	t->segments[t->nsegments++] = (struct lsp_times_segment){ end_ns, release };
	return 0;
}

/* What the release at @at_ns is charged with is computed by the module; here only the ledger's state matters. */
static void release_book(struct work *k, struct lsp_ledger *l, uint32_t release, uint64_t at_ns)
{
	const struct lsp_root_release *r = &k->e->releases[release];
	uint32_t wait = k->wait_of[release];
	const struct lsp_root_wait *w = wait == LSP_INDEX_NONE ? NULL : &k->e->waits[wait];
	struct lsp_ledger_wait moved;

	if (r->flags & LOCKSPAN_RELEASE_LATE) {
		lsp_ledger_release_late(l, at_ns);
	} else if (!w || w->group != r->group) {
		/* A wait that has moved here. */
		if (l->handoff)
			return;
		lsp_ledger_enq(l, &moved, at_ns);
		lsp_ledger_release(l, &moved, at_ns);
	} else if (k->left_ns[wait]) {
		lsp_ledger_release_again(l, &k->shares[wait], k->left_ns[wait], at_ns);
	} else {
		lsp_ledger_release(l, &k->shares[wait], at_ns);
		k->left_ns[wait] = at_ns;
	}
}

static void run_book(struct work *k, struct lsp_ledger *l, uint32_t wait, uint64_t at_ns)
{
	const struct lsp_root_wait *w = &k->e->waits[wait];
	struct lsp_ledger_rest rest;
	uint64_t base_ns;

	if (k->left_ns[wait]) {
		lsp_ledger_run(l, &k->shares[wait], at_ns);
		return;
	}
	base_ns = w->enq_ns > l->cut_ns ? w->enq_ns : l->cut_ns;
	rest = lsp_ledger_leave(l, &k->shares[wait], at_ns, w->gives_up ? LSP_LEDGER_GAVE_UP : LSP_LEDGER_GONE);
	/* What nobody answers for is not among what is distributed. */
	k->left_ns[wait] = rest.carried ? at_ns : base_ns;
}

/* Books one moment. A cut that it moves ends a segment. */
static int moment_book(struct work *k, struct lsp_ledger *l, const struct moment *m)
{
	uint64_t cut_ns = l->cut_ns;
	bool handoff = l->handoff;
	int err = 0;

	switch (m->kind) {
	case RELEASE:
		release_book(k, l, m->what, m->at_ns);
		if (!handoff && l->cut_ns != cut_ns)
			k->t->cut_ns[m->what] = cut_ns;
		return segment_end(k->t, m->group, l->cut_ns, handoff ? LSP_TIMES_HANDOFF : m->what);
	case RUN:
		run_book(k, l, m->what, m->at_ns);
		break;
	default:
		if (lsp_ledger_carries(l)) {
			lsp_ledger_expire(l, m->at_ns);
			if (!lsp_ledger_carries(l))
				err = segment_end(k->t, m->group, l->left_ns, LSP_TIMES_GIVEN_UP);
		}
		lsp_ledger_enq(l, &k->shares[m->what], m->at_ns);
	}
	if (!err && l->cut_ns != cut_ns)
		err = segment_end(k->t, m->group, l->cut_ns, LSP_TIMES_HANDOFF);
	return err;
}

static int groups_book(struct work *k)
{
	struct lsp_ledger l = { 0 };
	size_t at = 0;
	int err = 0;

	for (uint32_t g = 0; !err && g < k->t->groups; g++) {
		k->t->segment_first[g] = (uint32_t)k->t->nsegments;
		lsp_ledger_init(&l, 0);
		/* The first segment begins with the recording, so that no sum of times is very large. */
		l.cut_ns = l.last_ns = k->t->begin_ns;
		for (; !err && at < k->nmoments && k->moments[at].group == g; at++)
			err = moment_book(k, &l, &k->moments[at]);
		if (!err)
			err = segment_end(k->t, g, UINT64_MAX, l.handoff ? LSP_TIMES_HANDOFF : LSP_TIMES_GIVEN_UP);
	}
	k->t->segment_first[k->t->groups] = (uint32_t)k->t->nsegments;
	return err;
}

/* ---- how many waited ---- */

static int change_compare(const void *a, const void *b)
{
	const struct lsp_times_change *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

static void changes_sum(struct lsp_times_change *c, size_t n)
{
	uint64_t sum = 0;

	qsort(c, n, sizeof(*c), change_compare);
	for (size_t i = 0; i < n; i++) {
		c[i].before_ns = sum;
		sum += c[i].at_ns;
	}
}

static void changes_make(struct work *k)
{
	struct lsp_times *t = k->t;
	uint32_t *first = t->wait_first;

	for (size_t i = 0; i < k->e->nwaits; i++)
		first[k->e->waits[i].group + 1]++;
	for (uint32_t g = 0; g < t->groups; g++)
		first[g + 1] += first[g];
	for (size_t i = 0; i < k->e->nwaits; i++) {
		const struct lsp_root_wait *w = &k->e->waits[i];
		uint32_t place = first[w->group]++;

		t->come[place].at_ns = w->enq_ns - t->begin_ns;
		t->leave[place].at_ns = k->left_ns[i] - t->begin_ns;
	}
	for (uint32_t g = t->groups; g; g--)
		first[g] = first[g - 1];
	first[0] = 0;
	for (uint32_t g = 0; g < t->groups; g++) {
		changes_sum(&t->come[first[g]], first[g + 1] - first[g]);
		changes_sum(&t->leave[first[g]], first[g + 1] - first[g]);
	}
}

/* The sum of @at_ns - c->at_ns over all changes before @at_ns. */
static uint64_t since_ns(const struct lsp_times_change *c, size_t n, uint64_t at_ns)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c[middle].at_ns < at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low * at_ns - (c[low - 1].before_ns + c[low - 1].at_ns) : 0;
}

static uint64_t waited_before_ns(const struct lsp_times *t, uint32_t group, uint64_t at_ns)
{
	uint32_t first = t->wait_first[group], n = t->wait_first[group + 1] - first;

	at_ns -= t->begin_ns;
	return since_ns(&t->come[first], n, at_ns) - since_ns(&t->leave[first], n, at_ns);
}

uint64_t lsp_times_waited_ns(const struct lsp_times *t, uint32_t group, uint64_t from_ns, uint64_t to_ns)
{
	return from_ns < to_ns ? waited_before_ns(t, group, to_ns) - waited_before_ns(t, group, from_ns) : 0;
}

uint32_t lsp_times_segment(const struct lsp_times *t, uint32_t group, uint64_t at_ns)
{
	uint32_t low = t->segment_first[group], high = t->segment_first[group + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->segments[middle].end_ns <= at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- all of it ---- */

static uint64_t begin_of(const struct lsp_root_events *e)
{
	uint64_t begin_ns = UINT64_MAX;

	for (size_t i = 0; i < e->nwaits; i++)
		if (e->waits[i].enq_ns < begin_ns)
			begin_ns = e->waits[i].enq_ns;
	for (size_t i = 0; i < e->nreleases; i++)
		if (e->releases[i].time_ns < begin_ns)
			begin_ns = e->releases[i].time_ns;
	return begin_ns;
}

int lsp_times_create(const struct lsp_root_events *e, uint32_t groups, struct lsp_times *ret)
{
	struct work k = { .e = e, .t = ret };
	int err = -ENOMEM;

	*ret = (struct lsp_times){
		.groups = groups, .begin_ns = begin_of(e),
		.segment_first = calloc((size_t)groups + 1, sizeof(*ret->segment_first)),
		.wait_first = calloc((size_t)groups + 2, sizeof(*ret->wait_first)),
		.come = calloc(e->nwaits + 1, sizeof(*ret->come)),
		.leave = calloc(e->nwaits + 1, sizeof(*ret->leave)),
		.cut_ns = malloc((e->nreleases + 1) * sizeof(*ret->cut_ns)),
	};
	k.shares = calloc(e->nwaits + 1, sizeof(*k.shares));
	k.left_ns = calloc(e->nwaits + 1, sizeof(*k.left_ns));
	k.wait_of = malloc((e->nreleases + 1) * sizeof(*k.wait_of));
	if (ret->segment_first && ret->wait_first && ret->come && ret->leave && ret->cut_ns && k.shares && k.left_ns &&
	    k.wait_of) {
		for (size_t i = 0; i < e->nreleases; i++)
			ret->cut_ns[i] = e->releases[i].time_ns;
		waits_join(&k);
		err = moments_make(&k);
		if (!err)
			err = groups_book(&k);
		if (!err)
			changes_make(&k);
	}
	free(k.moments);
	free(k.shares);
	free(k.left_ns);
	free(k.wait_of);
	if (err)
		lsp_times_destroy(ret);
	return err;
}

void lsp_times_destroy(struct lsp_times *t)
{
	free(t->segments);
	free(t->segment_first);
	free(t->come);
	free(t->leave);
	free(t->wait_first);
	free(t->cut_ns);
	memset(t, 0, sizeof(*t));
}
