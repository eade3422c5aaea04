// SPDX-License-Identifier: GPL-2.0-only
#include "evidence.h"

#include <errno.h>
#include <stdlib.h>

#include "pairs.h"

/* Releases that one thread makes within this time of each other, and nobody else between, are one call. */
#define CALL_NS 30000
/* Fewer releases say nothing. */
#define RELEASES_MIN 10
/* Fewer calls that left a waiter are too few to go by alone. */
#define LEFT_MIN 30
/* Virtual keys are made of what goes from hand to hand, so their chains must be better. */
#define CHAINED_SURE 0.6
/* A semaphore of two permits can come to a half; locks that spin before they sleep come to a third. */
#define CHAINED_SEM 0.6
#define CHAINED_OTHER 0.25
/*
 * Where several threads can have it at once, another one passes it on while the woken one still has it, in a sixth of
 * all calls or more.
 */
#define BOTH_MAX 0.125
/* The waits of one site are for one lock if nearly all calls are chained, and next to none shows two holders. */
#define CHAINED_ONE 0.9
#define BOTH_ONE_MAX 0.04

/* Of a herd all but one go back to sleep as soon as they have tried, which may take some yields of the processor. */
#define HERD_BACK_NS 200000

static const char *const role_names[] = {
#define NAME_OF(id, name) name,
	LSP_ROLES(NAME_OF)
};

const char *lsp_role_name(unsigned int role)
{
	return role < LSP_ROLE_COUNT ? role_names[role] : "?";
}

/* Waiters that one thread took off the queue together. */
struct call {
	uint32_t group;
	uint32_t first;		/* the woken waits, linked by next */
	uint32_t n;
	uint32_t by;
	uint32_t left;
	uint32_t next_by;	/* who made the next call */
	uint64_t next_ns;	/* and when; 0: none came */
};

struct group {
	uint32_t queued;
	uint32_t call;		/* the latest, LSP_INDEX_NONE: none yet */
	uint64_t last_ns;	/* of its releases */
	uint32_t herds;
	uint32_t full;
};

struct work {
	struct lsp_wait *waits;
	struct lsp_evidence *evidence;
	struct group *groups;
	struct call *calls;
	uint32_t ncalls;
	uint32_t *next;		/* of the waits of one call */
	struct lsp_pairs latest; /* of each thread in each group */
};

static void woken(struct work *k, const struct lsp_moment *m)
{
	const struct lsp_wait *w = &k->waits[m->wait];
	struct group *g = &k->groups[w->group];
	struct call *call = g->call == LSP_INDEX_NONE ? NULL : &k->calls[g->call];
	struct lsp_pair_slot *slot = lsp_pairs_find(&k->latest, w->by, w->group);

	if (w->release == LSP_INDEX_NONE) {
		g->queued--;
		return;
	}
	k->evidence[w->group].releases++;
	if (slot && slot->wait != LSP_INDEX_NONE && k->waits[slot->wait].run_ns <= m->time_ns)
		k->waits[slot->wait].gave = true;
	/* Late: it has left the queue already, and nobody gets anything. */
	if (!w->wake_ns)
		return;
	g->queued--;
	if (!call || call->by != w->by || m->time_ns - g->last_ns >= CALL_NS) {
		if (call) {
			call->next_by = w->by;
			call->next_ns = m->time_ns;
		}
		g->call = k->ncalls++;
		call = &k->calls[g->call];
		*call = (struct call){ .group = w->group, .first = LSP_INDEX_NONE, .by = w->by };
	}
	k->next[m->wait] = call->first;
	call->first = m->wait;
	call->n++;
	call->left = g->queued;
	g->last_ns = m->time_ns;
}

static int queued(struct work *k, const struct lsp_moment *m)
{
	const struct lsp_wait *w = &k->waits[m->wait];
	struct lsp_pair_slot *slot = lsp_pairs_at(&k->latest, w->tid, w->group);

	if (!slot)
		return -ENOMEM;
	k->evidence[w->group].threads += slot->wait == LSP_INDEX_NONE;
	k->groups[w->group].queued++;
	k->evidence[w->group].waits++;
	if (slot->wait != LSP_INDEX_NONE) {
		k->waits[slot->wait].back = lsp_wait_is_back(&k->waits[slot->wait], w);
		k->waits[slot->wait].again_ns = w->enq_ns;
	}
	slot->wait = m->wait;
	return 0;
}

static bool is_herd(const struct call *call)
{
	return call->n > 1 && !call->left;
}

/* As at a barrier: whoever came last woke all others. */
static bool is_full(const struct work *k, const struct call *call)
{
	return is_herd(call) && call->n + 1 == k->evidence[call->group].threads;
}

static void herds_count(struct work *k)
{
	for (uint32_t i = 0; i < k->ncalls; i++) {
		struct group *g = &k->groups[k->calls[i].group];

		g->herds += is_herd(&k->calls[i]);
		g->full += is_full(k, &k->calls[i]);
	}
}

/* Whether @w's thread had tried and slept again before the next call. Where all come each time, this may be a barrier's next round. */
static bool is_back(const struct work *k, const struct call *call, const struct lsp_wait *w)
{
	const struct group *g = &k->groups[call->group];

	if (w->back || !is_herd(call) || g->full * 2 > g->herds)
		return w->back;
	return w->again_ns && w->again_ns < call->next_ns && w->again_ns - w->run_ns < HERD_BACK_NS;
}

static void call_judge(struct work *k, const struct call *call)
{
	struct lsp_evidence *e = &k->evidence[call->group];
	const struct lsp_wait *stays = NULL;
	bool chained;
	uint32_t back = 0;

	e->calls++;
	if (!call->next_ns)
		return;
	for (uint32_t i = call->first; i != LSP_INDEX_NONE; i = k->next[i]) {
		if (is_back(k, call, &k->waits[i]))
			back++;
		else if (!stays || k->waits[i].tid == call->next_by)
			stays = &k->waits[i];
	}
	/* Where all are woken, one gets the lock. At a barrier the next one to wake all is one of them by chance. */
	chained = back == call->n || (stays->tid == call->next_by && (!is_herd(call) || back == call->n - 1));
	e->judged++;
	e->chained += chained;
	e->left += call->left > 0;
	e->left_chained += call->left > 0 && chained;
	e->herds += is_herd(call);
	e->full += is_full(k, call);
	e->both += back == call->n - 1 && (call->n == 1 || is_herd(call)) && !chained && stays->gave &&
		   stays->run_ns + LSP_BACK_NS < call->next_ns;
}

static void own_releases_count(struct work *k, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct lsp_wait *w = &k->waits[i];

		if (w->release != LSP_INDEX_NONE && lsp_pairs_find(&k->latest, w->by, w->group))
			k->evidence[w->group].own_releases++;
	}
}

static int work_do(struct work *k, size_t n, const struct lsp_moment *moments, size_t nmoments)
{
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		k->waits[i].back = k->waits[i].gave = false;
		k->waits[i].again_ns = 0;
		k->groups[k->waits[i].group].call = LSP_INDEX_NONE;
	}
	for (size_t i = 0; !err && i < nmoments; i++) {
		struct lsp_wait *w = &k->waits[moments[i].wait];

		if (moments[i].kind == LSP_MOMENT_WAKE)
			woken(k, &moments[i]);
		else if (moments[i].kind != LSP_MOMENT_RUN)
			err = queued(k, &moments[i]);
		else if (!w->wake_ns)
			k->groups[w->group].queued--;
	}
	herds_count(k);
	for (uint32_t i = 0; !err && i < k->ncalls; i++)
		call_judge(k, &k->calls[i]);
	if (!err)
		own_releases_count(k, n);
	return err;
}

int lsp_evidence_add(struct lsp_wait *waits, size_t n, struct lsp_evidence *groups)
{
	struct work k = { .waits = waits, .evidence = groups };
	struct lsp_moment *moments;
	size_t nmoments;
	uint32_t last = 0;
	int err = -ENOMEM;

	for (size_t i = 0; i < n; i++)
		if (waits[i].group > last)
			last = waits[i].group;
	moments = lsp_moments_create(waits, n, &nmoments);
	k.groups = calloc((size_t)last + 1, sizeof(*k.groups));
	k.calls = calloc(n + 1, sizeof(*k.calls));
	k.next = calloc(n + 1, sizeof(*k.next));
	if (moments && k.groups && k.calls && k.next)
		err = work_do(&k, n, moments, nmoments);
	lsp_pairs_uninit(&k.latest);
	free(k.next);
	free(k.calls);
	free(k.groups);
	free(moments);
	return err;
}

void lsp_evidence_merge(struct lsp_evidence *to, const struct lsp_evidence *from)
{
	to->waits += from->waits;
	to->releases += from->releases;
	to->own_releases += from->own_releases;
	to->calls += from->calls;
	to->judged += from->judged;
	to->chained += from->chained;
	to->left += from->left;
	to->left_chained += from->left_chained;
	to->herds += from->herds;
	to->full += from->full;
	to->threads += from->threads;
	to->both += from->both;
}

double lsp_evidence_chained(const struct lsp_evidence *e)
{
	if (e->left >= LEFT_MIN)
		return (double)e->left_chained / (double)e->left;
	return e->judged ? (double)e->chained / (double)e->judged : 0;
}

bool lsp_evidence_is_weak(const struct lsp_evidence *e, const struct lsp_evidence *all)
{
	const struct lsp_evidence *by = e->judged >= RELEASES_MIN ? e : all;

	return !by->judged || lsp_evidence_chained(by) < CHAINED_SURE;
}

/* What it is if it is no lock. */
static enum lsp_role no_lock_role(const struct lsp_evidence *e, enum lsp_sync sync)
{
	if (sync == LSP_SYNC_BARRIER || (e->herds * 2 > e->judged && e->full * 2 > e->herds))
		return LSP_ROLE_BARRIER;
	return e->own_releases * 2 > e->releases ? LSP_ROLE_POOL : LSP_ROLE_SIGNAL;
}

/* A lock's releasers have mostly waited for it, and only one thread at a time has it. */
static bool is_handed_on(const struct lsp_evidence *e, double chained_min)
{
	return lsp_evidence_chained(e) > chained_min && (double)e->both < BOTH_MAX * (double)e->judged &&
	       e->own_releases * 2 > e->releases;
}

bool lsp_evidence_is_one_lock(const struct lsp_evidence *e)
{
	return e->judged >= RELEASES_MIN && is_handed_on(e, CHAINED_ONE) &&
	       (double)e->both < BOTH_ONE_MAX * (double)e->judged;
}

/* A class whose name says that its releaser owns nothing is believed, unless a queue goes from hand to hand. */
static bool class_is_signal(enum lsp_sync sync)
{
	return sync == LSP_SYNC_COND || sync == LSP_SYNC_BARRIER || sync == LSP_SYNC_ONCE ||
	       sync == LSP_SYNC_RUNTIME;
}

enum lsp_role lsp_evidence_parked_role(const struct lsp_evidence *e, enum lsp_sync sync)
{
	if (lsp_sync_is_lock(sync))
		return LSP_ROLE_LOCK;
	if (e->releases < RELEASES_MIN || !e->judged)
		return LSP_ROLE_UNKNOWN;
	/* What goes through a pipeline goes from hand to hand too, but does not come back to a thread that it has left. */
	if (!is_handed_on(e, CHAINED_SURE) || e->waits * 3 <= e->threads * 4)
		return no_lock_role(e, sync);
	if (e->left >= RELEASES_MIN)
		return LSP_ROLE_LOCK;
	/*
	 * Two threads that wait for each other in turns hand on as those of a lock do, and so do the ends of a
	 * channel. Only a queue tells them apart: a lock that three threads want is released while one still waits.
	 */
	return class_is_signal(sync) ? no_lock_role(e, sync) : LSP_ROLE_UNKNOWN;
}

enum lsp_role lsp_evidence_role(const struct lsp_evidence *e, enum lsp_sync sync)
{
	if (sync == LSP_SYNC_JOIN)
		return LSP_ROLE_JOIN;
	if (lsp_sync_is_lock(sync))
		return LSP_ROLE_LOCK;
	if (e->releases < RELEASES_MIN || !e->judged)
		return class_is_signal(sync) ? no_lock_role(e, sync) : LSP_ROLE_UNKNOWN;
	if (is_handed_on(e, sync == LSP_SYNC_SEM ? CHAINED_SEM : CHAINED_OTHER) &&
	    !(class_is_signal(sync) && e->left < RELEASES_MIN))
		return LSP_ROLE_LOCK;
	return no_lock_role(e, sync);
}
