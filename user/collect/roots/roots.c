// SPDX-License-Identifier: GPL-2.0-only
#include "roots.h"

#include <errno.h>
#include <stdlib.h>

#include "times.h"

/* Holders that wait for each other in a row. What goes on behind so many is unknown. */
#define CHAIN_MAX 64
/* Waits and segments that are looked at in all: some seconds. */
#define STEPS_MAX (1ULL << 25)

struct work {
	const struct lsp_root_events *e;
	struct lsp_times times;
	uint32_t *by_thread;	/* waits by thread, then in order of time */
	uint64_t steps;
	int (*take)(void *arg, enum lsp_root_end end, uint32_t release, uint32_t group, uint64_t ns);
	void *arg;

	/* The charge that is being followed. Its waiters weigh each moment. */
	uint32_t charge;
	uint64_t whole_ns;	/* what they waited, by the ledger that was run here; */
	uint64_t left_ns;	/* of the module's charge: not taken yet */
	uint32_t chain[CHAIN_MAX];	/* threads */
	size_t depth;
};

const char *lsp_root_end_name(enum lsp_root_end end)
{
#define NAME_OF(id, name) [LSP_ROOT_END_##id] = name,
	static const char *const names[] = { LSP_ROOT_ENDS(NAME_OF) };

	return end < LSP_ROOT_END_COUNT ? names[end] : "?";
}

static int part_take(struct work *k, enum lsp_root_end end, uint32_t release, uint32_t group, uint64_t ns)
{
	if (ns > k->left_ns)
		ns = k->left_ns;
	k->left_ns -= ns;
	return ns ? k->take(k->arg, end, release, group, ns) : 0;
}

/* @ns of the ledger that was run here, in terms of the module's charge. */
static uint64_t charge_ns(const struct work *k, uint64_t ns)
{
	uint64_t hold_ns = k->e->releases[k->charge].hold_ns;

	return hold_ns == k->whole_ns ? ns : (uint64_t)((unsigned __int128)ns * hold_ns / k->whole_ns);
}

/* The holder of @release did not wait for another lock then. A share of that is unknown. */
static int holder_take(struct work *k, uint32_t release, uint64_t ns)
{
	const struct lsp_root_release *r = &k->e->releases[release];
	uint64_t own_ns = r->hold_ns > r->locks_ns ? r->hold_ns - r->locks_ns : 0, unknown_ns = 0;
	int err;

	if (r->unknown_ns)
		unknown_ns = r->unknown_ns >= own_ns ? ns :
			     (uint64_t)((unsigned __int128)ns * r->unknown_ns / own_ns);
	err = part_take(k, LSP_ROOT_END_UNKNOWN, release, r->group, unknown_ns);
	return err ? err : part_take(k, LSP_ROOT_END_SITE, release, r->group, ns - unknown_ns);
}

static bool is_in_chain(const struct work *k, uint32_t tid)
{
	for (size_t i = 0; i < k->depth; i++)
		if (k->chain[i] == tid)
			return true;
	return false;
}

static int holder_follow(struct work *k, uint32_t release, uint64_t from_ns, uint64_t to_ns);

/* From @from_ns to @to_ns the holder of @release waited for @group, whose holder is the one of @next then. */
static int holder_next(struct work *k, uint32_t release, uint32_t group, uint32_t next, uint64_t from_ns, uint64_t to_ns)
{
	static const enum lsp_root_end ends[] = {
		[LSP_ROOT_NOT_KNOWN] = LSP_ROOT_END_UNKNOWN, [LSP_ROOT_LOCK] = LSP_ROOT_END_SITE,
		[LSP_ROOT_SIGNAL] = LSP_ROOT_END_SITE, [LSP_ROOT_UNSURE] = LSP_ROOT_END_UNSURE,
	};
	uint64_t ns = charge_ns(k, lsp_times_waited_ns(&k->times, k->e->releases[k->charge].group, from_ns, to_ns));
	const struct lsp_root_release *r = next < LSP_TIMES_GIVEN_UP ? &k->e->releases[next] : NULL;

	if (!ns)
		return 0;
	if (!r)
		return part_take(k, next == LSP_TIMES_HANDOFF ? LSP_ROOT_END_HANDOFF : LSP_ROOT_END_GIVEN_UP, release, group, ns);
	if (r->use != LSP_ROOT_LOCK)
		return part_take(k, ends[r->use], ends[r->use] == LSP_ROOT_END_SITE ? next : release, group, ns);
	/* A cycle stays with who closes it. */
	if (is_in_chain(k, r->tid))
		return part_take(k, LSP_ROOT_END_SITE, release, k->e->releases[release].group, ns);
	if (k->depth == CHAIN_MAX)
		return part_take(k, LSP_ROOT_END_UNKNOWN, release, group, ns);
	return holder_follow(k, next, from_ns, to_ns);
}

/* From @from_ns to @to_ns the holder of @release waited for @group. */
static int wait_follow(struct work *k, uint32_t release, uint32_t group, uint64_t from_ns, uint64_t to_ns)
{
	const struct lsp_times *t = &k->times;
	uint32_t i = lsp_times_segment(t, group, from_ns);
	int err = 0;

	for (; !err && i < t->segment_first[group + 1] && from_ns < to_ns; i++) {
		uint64_t end_ns = t->segments[i].end_ns < to_ns ? t->segments[i].end_ns : to_ns;

		if (k->steps++ >= STEPS_MAX)
			return -E2BIG;
		err = holder_next(k, release, group, t->segments[i].release, from_ns, end_ns);
		from_ns = end_ns;
	}
	return err;
}

static uint64_t wait_end_ns(const struct lsp_root_wait *w)
{
	return w->wake_ns ? w->wake_ns : w->run_ns;
}

/* The place in by_thread of the first wait of @tid that ends after @at_ns: a thread's waits do not overlap. */
static size_t thread_wait(const struct work *k, uint32_t tid, uint64_t at_ns)
{
	size_t low = 0, high = k->e->nwaits;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct lsp_root_wait *w = &k->e->waits[k->by_thread[middle]];

		if (w->tid < tid || (w->tid == tid && wait_end_ns(w) <= at_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* From @from_ns to @to_ns the holder of @release is to blame, or who it waited for. */
static int holder_follow(struct work *k, uint32_t release, uint64_t from_ns, uint64_t to_ns)
{
	const struct lsp_root_release *r = &k->e->releases[release];
	uint32_t weights = k->e->releases[k->charge].group;
	uint64_t own_ns = lsp_times_waited_ns(&k->times, weights, from_ns, to_ns);
	int err = 0;

	k->chain[k->depth++] = r->tid;
	for (size_t i = thread_wait(k, r->tid, from_ns); !err && i < k->e->nwaits; i++) {
		const struct lsp_root_wait *w = &k->e->waits[k->by_thread[i]];
		uint64_t begin_ns = w->enq_ns > from_ns ? w->enq_ns : from_ns;
		uint64_t end_ns = wait_end_ns(w) < to_ns ? wait_end_ns(w) : to_ns;

		if (w->tid != r->tid || w->enq_ns >= to_ns)
			break;
		if (k->steps++ >= STEPS_MAX)
			return -E2BIG;
		/* It waited for the very lock: that is charged to it all the same. */
		if (w->group == r->group || begin_ns >= end_ns)
			continue;
		own_ns -= lsp_times_waited_ns(&k->times, weights, begin_ns, end_ns);
		err = wait_follow(k, release, w->group, begin_ns, end_ns);
	}
	k->depth--;
	return err ? err : holder_take(k, release, charge_ns(k, own_ns));
}

static int charge_follow(struct work *k, uint32_t release)
{
	const struct lsp_root_release *r = &k->e->releases[release];
	int err = 0;

	k->charge = release;
	k->depth = 0;
	k->left_ns = r->hold_ns;
	k->whole_ns = lsp_times_waited_ns(&k->times, r->group, k->times.cut_ns[release], r->time_ns);
	if (k->whole_ns)
		err = holder_follow(k, release, k->times.cut_ns[release], r->time_ns);
	/* What the ledger that was run here does not account for, or rounding has left over. */
	return err ? err : holder_take(k, release, k->left_ns);
}

static int by_thread_compare(const void *a, const void *b, void *arg)
{
	const struct lsp_root_wait *waits = arg, *x = &waits[*(const uint32_t *)a], *y = &waits[*(const uint32_t *)b];

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->enq_ns != y->enq_ns)
		return x->enq_ns < y->enq_ns ? -1 : 1;
	return wait_end_ns(x) < wait_end_ns(y) ? -1 : wait_end_ns(x) > wait_end_ns(y);
}

int lsp_roots_find(const struct lsp_root_events *e, uint32_t groups,
		   int (*take)(void *arg, enum lsp_root_end end, uint32_t release, uint32_t group, uint64_t ns), void *arg)
{
	struct work k = { .e = e, .take = take, .arg = arg };
	int err = lsp_times_create(e, groups, &k.times);

	if (err)
		return err;
	k.by_thread = malloc((e->nwaits + 1) * sizeof(*k.by_thread));
	if (!k.by_thread)
		err = -ENOMEM;
	for (uint32_t i = 0; !err && i < e->nwaits; i++)
		k.by_thread[i] = i;
	if (!err)
		qsort_r(k.by_thread, e->nwaits, sizeof(*k.by_thread), by_thread_compare, e->waits);
	for (uint32_t i = 0; !err && i < e->nreleases; i++)
		if (e->releases[i].use == LSP_ROOT_LOCK && e->releases[i].hold_ns)
			err = charge_follow(&k, i);
	free(k.by_thread);
	lsp_times_destroy(&k.times);
	return err;
}
