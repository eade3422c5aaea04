// SPDX-License-Identifier: GPL-2.0-only
/* What came of a recording: what a collector is asked once its events are summed. */
#include "reading.h"

#include "state.h"

int lsp_collector_rows(const struct lsp_collector *c,
		       int (*fn)(void *arg, const struct lsp_row *row), void *arg)
{
	for (size_t i = 0; i < c->resolved.n; i++) {
		const struct lsp_aggregate_key *key = &c->resolved.rows[i].key;
		struct lsp_row row = {
			.kind = (enum lsp_row_kind)(key->kind & KIND_MASK),
			.trace = lsp_collector_trace(c, (uint32_t)key->stack),
			.lock = lsp_intern_get(&c->locks.names, key->lock, NULL),
			.comm = lsp_intern_get(&c->comms, key->comm, NULL),
			.sync = (enum lsp_sync)(key->kind >> KIND_SYNC_SHIFT & KIND_SYNC_MASK),
			.role = (enum lsp_role)(key->kind >> KIND_ROLE_SHIFT & KIND_ROLE_MASK),
			.doubt = (enum lsp_doubt)(key->kind >> KIND_DOUBT_SHIFT & KIND_DOUBT_MASK),
			.tgid = key->tgid,
			.interrupt = key->kind & KIND_INTERRUPT,
			.worker = key->kind & KIND_WORKER,
			.given_up = key->kind & KIND_GIVEN_UP,
			.sums = &c->resolved.rows[i].sums,
			.has_why = c->why,
		};
		int err;

		if (key->key && row.sync == LSP_SYNC_OTHER && row.kind == LSP_ROW_MUTEX) {
			const struct lsp_lock *lock = lsp_locks_find(&c->locks, key->key);

			row.sync = c->steady ? lock->first : lsp_lock_class(lock);
		}
		if (!c->roles.found && lsp_sync_is_lock(row.sync))
			row.role = LSP_ROLE_LOCK;
		err = fn(arg, &row);
		if (err)
			return err;
	}
	return 0;
}

int lsp_collector_keys(const struct lsp_collector *c,
		       int (*fn)(void *arg, const struct lsp_key_role *key, const char *lock), void *arg)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->roles.n; i++) {
		const struct lsp_key_role *k = &c->roles.keys[i];

		if (!k->replaced && k->name != LSP_INDEX_NONE)
			err = fn(arg, k, lsp_intern_get(&c->locks.names, k->name, NULL));
	}
	return err;
}

int lsp_collector_roots(const struct lsp_collector *c, int (*fn)(void *arg, const struct lsp_root *root), void *arg)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->roots.n; i++) {
		const struct lsp_root_sum *s = &c->roots.sums[i];
		const struct lsp_trace *trace = lsp_collector_trace(c, s->trace);
		struct lsp_root root = {
			.site = lsp_root_end_name(s->end), .ns = s->ns,
			.lock = s->lock == LSP_INDEX_NONE ? "" : lsp_intern_get(&c->locks.names, s->lock, NULL),
		};

		if (s->end == LSP_ROOT_END_SITE && !s->kind && trace->nframes) {
			root.trace = trace;
			root.site = lsp_trace_site(trace);
		} else if (s->end == LSP_ROOT_END_SITE) {
			root.site = s->kind & KIND_INTERRUPT ? "[interrupt]" : s->kind ? "[kernel worker]" : "[no stack]";
		}
		err = fn(arg, &root);
	}
	return err;
}

bool lsp_collector_watched(const struct lsp_collector *c, uint32_t tgid, uint32_t tid, uint64_t uaddr, struct lsp_root *ret)
{
	const struct lsp_watched_wait *w = lsp_watched_find(&c->watched, tgid, tid, uaddr);
	uint32_t trace = w && w->seen ? c->stacks.stacks[w->stack].trace : LSP_INDEX_NONE;

	if (!w || !w->seen)
		return false;
	*ret = (struct lsp_root){ .lock = lsp_collector_lock(c, w->key) };
	if (trace != LSP_INDEX_NONE && lsp_collector_trace(c, trace)->nframes) {
		ret->trace = lsp_collector_trace(c, trace);
		ret->site = lsp_trace_site(ret->trace);
	}
	return true;
}

const char *lsp_collector_roots_missing(const struct lsp_collector *c)
{
	return c->roots.missing;
}

/* The virtual key that has taken the place of this word and is named by it; NULL: there are several, or none is. */
static const struct lsp_key_role *virtual_of(const struct lsp_roles *roles, uint64_t key)
{
	const struct lsp_key_role *found = NULL;

	for (size_t i = roles->nwords; i < roles->n; i++) {
		if (roles->keys[i].key != key || roles->keys[i].replaced)
			continue;
		if (found)
			return NULL;
		found = &roles->keys[i];
	}
	return found;
}

const char *lsp_collector_lock(const struct lsp_collector *c, uint64_t key)
{
	const struct lsp_lock *lock = lsp_locks_find(&c->locks, key);
	const struct lsp_key_role *r = lsp_roles_word(&c->roles, key);
	uint32_t name = !lock ? LSP_INDEX_NONE : lock->name != LSP_INDEX_NONE ? lock->name : lock->bare;

	if (r && r->replaced) {
		r = virtual_of(&c->roles, key);
		name = r ? r->name : LSP_INDEX_NONE;
	}
	return name == LSP_INDEX_NONE ? NULL : lsp_intern_get(&c->locks.names, name, NULL);
}

const struct lsp_why *lsp_collector_times(const struct lsp_collector *c)
{
	return c->times;
}

void lsp_collector_totals(const struct lsp_collector *c, struct lsp_collector_totals *ret)
{
	*ret = c->totals;
	ret->records = c->streams.records;
	ret->gaps = c->streams.gaps;
	ret->gap_records = c->streams.lost;
	ret->damaged = c->streams.bad_runs;
	ret->unknown = c->streams.unknown;
	ret->unfit = c->streams.unfit;
	ret->stacks = c->stacks.n - 1;
	ret->stacks_missing = 0;
	for (size_t i = 0; i < c->stacks.n; i++)
		ret->stacks_missing += !c->stacks.stacks[i].arrived;
	ret->changed = lsp_resolver_changed(c->resolver);
	ret->unopened = lsp_resolver_unopened(c->resolver);
	ret->traces = c->traces.n - 1;
	ret->locks = c->locks.n;
	ret->processes = c->processes.n;
	ret->rows = c->pending.n + c->resolved.n;
}

const struct lsp_threads *lsp_collector_threads(const struct lsp_collector *c)
{
	return &c->threads;
}

const char *lsp_collector_comm(const struct lsp_collector *c, const struct lsp_thread *t)
{
	return c->comms.count ? lsp_intern_get(&c->comms, t->comm, NULL) : "";
}

const struct lsp_estimate *lsp_collector_outcomes(const struct lsp_collector *c)
{
	return c->outcomes;
}

bool lsp_collector_lengths(const struct lsp_collector *c, const char *lock, bool holds, uint64_t n, struct lsp_lengths *ret)
{
	return lsp_spreads_lengths(holds ? &c->holds : &c->spreads, lsp_intern_id(lock), n, ret);
}

const char *lsp_collector_top(const struct lsp_collector *c, double *wait_ns_ret)
{
	uint32_t best = lsp_locks_top(&c->locks, wait_ns_ret);

	return best == LSP_INDEX_NONE ? "" : lsp_intern_get(&c->locks.names, best, NULL);
}
