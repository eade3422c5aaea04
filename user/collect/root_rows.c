// SPDX-License-Identifier: GPL-2.0-only
#include "root_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "fold.h"
#include "state.h"
#include "undecided.h"

#define WHOSE (KIND_INTERRUPT | KIND_WORKER)

/* ---- what the releases' keys are used for ---- */

static enum lsp_root_use use_of(enum lsp_role role, enum lsp_doubt doubt)
{
	if (doubt == LSP_DOUBT_WEAK)
		return LSP_ROOT_UNSURE;
	if (doubt != LSP_DOUBT_NONE || role == LSP_ROLE_UNKNOWN)
		return LSP_ROOT_NOT_KNOWN;
	return role == LSP_ROLE_LOCK ? LSP_ROOT_LOCK : LSP_ROOT_SIGNAL;
}

static uint32_t trace_of(const struct lsp_collector *c, uint32_t stack)
{
	uint32_t trace = c->stacks.stacks[stack].trace;

	return trace == LSP_INDEX_NONE ? LSP_TRACE_NONE : trace;
}

/* As the row has it that the release was added to. */
static void release_use(const struct lsp_collector *c, struct lsp_root_release *r)
{
	const struct lsp_key_role *word = lsp_roles_word(&c->roles, r->key);
	const struct lsp_lock *lock = lsp_locks_find(&c->locks, r->key);
	enum lsp_sync sync = lsp_collector_own_class(c, r->kind, trace_of(c, r->stack));
	struct lsp_aggregate_key key = {
		.key = r->key, .kind = (r->kind & (KIND_MASK | WHOSE)) | (uint32_t)sync << KIND_SYNC_SHIFT,
	};

	if (!lock || !lock->native)
		key.kind |= r->kind & KIND_NOTED;
	if (word && word->replaced && key.kind & KIND_NOTED) {
		/* No virtual key has it. */
		r->use = LSP_ROOT_UNSURE;
		return;
	}
	lsp_collector_row_key(c, &key);
	lsp_collector_row_role(c, &key);
	r->use = use_of((enum lsp_role)(key.kind >> KIND_ROLE_SHIFT & KIND_ROLE_MASK),
			(enum lsp_doubt)(key.kind >> KIND_DOUBT_SHIFT & KIND_DOUBT_MASK));
}

int lsp_collector_roots_begin(struct lsp_collector *c)
{
	int err;

	if (!c->events.on)
		return 0;
	err = lsp_root_events_group(&c->events, &c->root_words);
	for (size_t i = 0; !err && i < c->events.nreleases; i++)
		release_use(c, &c->events.releases[i]);
	return err;
}

/* ---- virtual keys ---- */

static uint64_t span_of(const struct lsp_collector *c, const struct lsp_wait *w)
{
	return c->notes.notes[w->span].span;
}

/* The release that ended a wait on a parked word, as it was noted. */
static struct lsp_root_release *release_of(struct lsp_collector *c, const struct lsp_wait *w)
{
	return w->release == LSP_INDEX_NONE ? NULL : lsp_root_events_release(&c->events, span_of(c, w));
}

void lsp_collector_roots_virtual(struct lsp_collector *c, const struct lsp_wait *w)
{
	const struct lsp_key_role *key = &c->roles.keys[c->roles.nwords + w->group];
	struct lsp_root_wait *wait = lsp_root_events_wait(&c->events, span_of(c, w));
	struct lsp_root_release *r = release_of(c, w);

	if (key->replaced)
		return;
	if (wait)
		wait->group = c->root_words + w->group;
	if (!r)
		return;
	r->group = c->root_words + w->group;
	r->hold_ns = w->hold_ns;
	r->unknown_ns = w->hold_ns;
	r->locks_ns = 0;
	r->use = use_of(key->role, key->doubt);
}

void lsp_collector_roots_parts(struct lsp_collector *c, const struct lsp_wait *w, const struct lockspan_why_part *parts,
			       size_t n)
{
	struct lsp_root_release *r = release_of(c, w);

	if (r)
		lsp_root_release_parts(r, parts, n);
}

/* ---- sums ---- */

struct finding {
	struct lsp_collector *c;
	uint32_t *names;	/* by group */
};

static int part_take(void *arg, enum lsp_root_end end, uint32_t release, uint32_t group, uint64_t ns)
{
	struct finding *f = arg;
	const struct lsp_root_release *r = &f->c->events.releases[release];
	struct lsp_root_sum part = { .end = end, .trace = LSP_TRACE_NONE, .ns = ns };

	part.lock = f->names[end == LSP_ROOT_END_SITE ? r->group : group];
	if (end == LSP_ROOT_END_SITE) {
		part.kind = r->kind & WHOSE;
		if (!part.kind)
			part.trace = trace_of(f->c, r->stack);
	}
	return lsp_root_sums_add(&f->c->roots, &part);
}

static uint32_t word_name(const struct lsp_collector *c, uint64_t key)
{
	const struct lsp_lock *lock = lsp_locks_find(&c->locks, key);

	return lock ? lock->name != LSP_INDEX_NONE ? lock->name : lock->bare : LSP_INDEX_NONE;
}

static int names_find(struct finding *f, uint32_t groups)
{
	const struct lsp_collector *c = f->c;

	f->names = malloc(((size_t)groups + 1) * sizeof(*f->names));
	if (!f->names)
		return -ENOMEM;
	for (size_t i = 0; i < c->events.nwaits; i++)
		if (c->events.waits[i].group < c->root_words)
			f->names[c->events.waits[i].group] = word_name(c, c->events.waits[i].key);
	for (size_t i = 0; i < c->events.nreleases; i++)
		if (c->events.releases[i].group < c->root_words)
			f->names[c->events.releases[i].group] = word_name(c, c->events.releases[i].key);
	for (uint32_t i = c->root_words; i < groups; i++)
		f->names[i] = c->roles.keys[c->roles.nwords + i - c->root_words].name;
	return 0;
}

/* What the rows of mutex.pb.gz come to. The roots come to the same, or something is missing among them. */
static double blamed_ns(const struct lsp_collector *c)
{
	double sum = 0;

	for (size_t i = 0; i < c->resolved.n; i++) {
		uint32_t kind = c->resolved.rows[i].key.kind;

		if ((kind & KIND_MASK) == LSP_ROW_MUTEX && !(kind & KIND_GIVEN_UP) &&
		    (kind >> KIND_ROLE_SHIFT & KIND_ROLE_MASK) == LSP_ROLE_LOCK &&
		    (kind >> KIND_DOUBT_SHIFT & KIND_DOUBT_MASK) == LSP_DOUBT_NONE)
			sum += c->resolved.rows[i].sums.estimate.delay_ns;
	}
	return sum;
}

static const char *missing_why(const struct lsp_collector *c)
{
	if (!c->events.on)
		return "what holders waited for was not kept (--no-why, --min-delay or a rate)";
	if (c->events.sampled)
		return "a rate left events out";
	if (c->events.full)
		return "there were too many events to keep them all";
	if (c->streams.gaps || c->streams.bad_runs || c->streams.unfit || c->totals.unrecorded)
		return "events were lost";
	return NULL;
}

int lsp_collector_roots_find(struct lsp_collector *c)
{
	uint32_t groups = c->root_words + (uint32_t)(c->roles.n - c->roles.nwords);
	struct finding f = { .c = c };
	uint64_t sum_ns = 0;
	int err;

	c->roots.missing = missing_why(c);
	if (c->roots.missing)
		return 0;
	err = names_find(&f, groups);
	if (!err)
		err = lsp_roots_find(&c->events, groups, part_take, &f);
	free(f.names);
	for (size_t i = 0; i < c->roots.n; i++)
		sum_ns += c->roots.sums[i].ns;
	if (err == -E2BIG)
		c->roots.missing = "holders waited for each other too often to follow it";
	else if (!err && (double)sum_ns != blamed_ns(c))
		c->roots.missing = "the events that were kept do not come to the blame";
	if (c->roots.missing)
		c->roots.n = 0;
	return err == -E2BIG ? 0 : err;
}
