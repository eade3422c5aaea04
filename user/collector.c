// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events are summed by captured stack as they come (pending), because their
 * mappings may come later. Folding resolves the stacks that can be and moves
 * the sums to a table by trace and lock name (resolved), which is what the
 * rows are read from. Folding is due when many sums or bytes wait, and at ticks.
 */
#include "collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/stackset.h"
#include "capture/stream.h"
#include "locks.h"
#include "processes.h"
#include "traces.h"

/* Sums, and bytes of captured stacks, that may gather before they are folded. */
#define FOLD_ROWS 65536
#define FOLD_BYTES (16 << 20)
/* Captured stacks that may wait for their mappings; beyond it they resolve without. */
#define WAITING_BYTES (256 << 20)
/* Resolved stacks that are kept for events to come; beyond it the unused ones go. */
#define STACKS_KEPT 65536

#define MISSING_AFTER_NS 500000000ULL
#define ASK_EVERY_NS 1000000000ULL

/* Parts of a key's kind: enum lsp_row_kind, then what the record itself says of the class. */
#define KIND_MASK 0x3U
#define KIND_JOIN (1U << 2)
#define KIND_PI (1U << 3)
#define KIND_INTERRUPT (1U << 4)
#define KIND_SYNC_SHIFT 8	/* in resolved rows: enum lsp_sync */

struct lsp_collector {
	struct lsp_resolver *resolver;
	struct lsp_spanfile_writer *spans;
	bool live;

	struct lsp_streams streams;
	struct lsp_stackset stacks;
	struct lsp_processes processes;
	struct lsp_traces traces;
	struct lsp_locks locks;
	struct lsp_strings comms;

	struct lsp_aggregate pending;	/* stack: place in stacks; lock: address */
	struct lsp_aggregate resolved;	/* stack: place in traces; lock: place of a name */

	size_t fold_rows;		/* pending rows, and raw bytes, at which to fold */
	size_t fold_bytes;

	struct lsp_collector_totals totals;
	struct lsp_collector_outcome outcomes[LOCKSPAN_OUTCOME_COUNT];
	uint64_t now_ns;		/* latest time seen in a record */
};

int lsp_collector_create(const struct lsp_collector_options *o, struct lsp_collector **ret)
{
	struct lsp_collector *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->spans = o->spans;
	c->live = o->live;
	c->fold_rows = FOLD_ROWS;
	c->fold_bytes = FOLD_BYTES;
	err = lsp_resolver_create(&o->resolver, &c->resolver);
	if (!err)
		err = lsp_stackset_init(&c->stacks);
	if (!err)
		err = lsp_traces_init(&c->traces);
	if (err) {
		lsp_collector_destroy(c);
		return err;
	}
	c->stacks.stacks[LSP_STACK_NOT_TAKEN].trace = LSP_TRACE_NONE;
	*ret = c;
	return 0;
}

void lsp_collector_destroy(struct lsp_collector *c)
{
	if (!c)
		return;
	lsp_aggregate_uninit(&c->resolved);
	lsp_aggregate_uninit(&c->pending);
	lsp_strings_uninit(&c->comms);
	lsp_locks_uninit(&c->locks);
	lsp_traces_uninit(&c->traces);
	lsp_processes_uninit(&c->processes);
	lsp_stackset_uninit(&c->stacks);
	lsp_streams_uninit(&c->streams);
	lsp_resolver_destroy(c->resolver);
	free(c);
}

/* ---- records ---- */

/* The sums that an event of these properties belongs to; NULL: no memory. */
static struct lsp_sums *pending_at(struct lsp_collector *c, struct lsp_aggregate_key *key,
				   uint64_t stack, const char *comm)
{
	uint32_t place, name;

	if (lsp_stackset_place(&c->stacks, key->tgid, stack, c->now_ns, &place) ||
	    lsp_strings_place(&c->comms, comm, LOCKSPAN_COMM_LEN, &name))
		return NULL;
	key->stack = place;
	key->comm = name;
	return lsp_aggregate_at(&c->pending, key);
}

static bool op_is_pi(uint8_t op)
{
	return op == LOCKSPAN_OP_LOCK_PI || op == LOCKSPAN_OP_LOCK_PI2;
}

static void time_see(struct lsp_collector *c, uint64_t time_ns)
{
	if (time_ns > c->now_ns)
		c->now_ns = time_ns;
}

static int span_record(struct lsp_collector *c, const struct lockspan_span *s)
{
	struct lsp_aggregate_key key = {
		.lock = s->uaddr, .key = s->key, .tgid = s->tgid, .owner = s->tgid,
		.kind = s->outcome == LOCKSPAN_OPEN ? LSP_ROW_OPEN : LSP_ROW_BLOCK,
	};
	struct lsp_collector_outcome *outcome;
	uint64_t wait_ns = lsp_span_lock_wait_ns(s);
	struct lsp_sums *sums;

	time_see(c, s->run_ns);
	c->totals.spans++;
	if (s->outcome < LOCKSPAN_OUTCOME_COUNT) {
		double weight = lsp_weight_block(wait_ns, s->rate_ns);

		outcome = &c->outcomes[s->outcome];
		outcome->kept++;
		outcome->count += weight;
		outcome->wait_ns += weight * (double)wait_ns;
	}
	if (s->rec.flags & LOCKSPAN_SPAN_JOIN)
		key.kind |= KIND_JOIN;
	if (op_is_pi(s->op))
		key.kind |= KIND_PI;

	sums = pending_at(c, &key, s->stack, s->comm);
	if (!sums)
		return -ENOMEM;
	lsp_sums_add_span(sums, s);
	return 0;
}

static int release_record(struct lsp_collector *c, const struct lockspan_release *r)
{
	struct lsp_aggregate_key key = {
		.lock = r->uaddr, .key = r->key, .tgid = r->tgid, .owner = r->waiter_tgid,
		.kind = LSP_ROW_MUTEX,
	};
	struct lsp_sums *sums;

	time_see(c, r->time_ns);
	c->totals.releases++;
	if (r->rec.flags & LOCKSPAN_RELEASE_JOIN)
		key.kind |= KIND_JOIN;
	if (r->rec.flags & LOCKSPAN_RELEASE_IRQ)
		key.kind |= KIND_INTERRUPT;
	if (r->rec.flags & LOCKSPAN_RELEASE_PI || op_is_pi(r->op))
		key.kind |= KIND_PI;

	sums = pending_at(c, &key, r->stack, r->comm);
	if (!sums)
		return -ENOMEM;
	lsp_sums_add_release(sums, r);
	return 0;
}

static int stack_record(struct lsp_collector *c, const struct lockspan_stack *s)
{
	struct lsp_process *process = lsp_processes_at(&c->processes, s->tgid);

	if (!process)
		return -ENOMEM;
	process->generation = s->generation;
	/* Without mappings from the module only a process that lives still can tell. */
	if (c->live && !s->generation && !process->read_ns &&
	    !lsp_resolver_mapped(c->resolver, s->tgid, 0))
		lsp_process_read(process, c->resolver, 0);
	return lsp_stackset_put(&c->stacks, s);
}

static int map_record(struct lsp_collector *c, const struct lockspan_map *m)
{
	struct lsp_process *process = lsp_processes_at(&c->processes, m->tgid);

	if (!process)
		return -ENOMEM;
	process->generation = m->generation;
	c->totals.maps++;
	return lsp_resolver_map(c->resolver, m, (const char *)(m + 1));
}

static int any_record(void *arg, const struct lockspan_rec *rec)
{
	struct lsp_collector *c = arg;
	int err = 0;

	switch (rec->type) {
	case LOCKSPAN_REC_SPAN:
		err = span_record(c, (const void *)rec);
		break;
	case LOCKSPAN_REC_RELEASE:
		err = release_record(c, (const void *)rec);
		break;
	case LOCKSPAN_REC_STACK:
		err = stack_record(c, (const void *)rec);
		break;
	case LOCKSPAN_REC_MAP:
		err = map_record(c, (const void *)rec);
		break;
	}
	/* The recording goes on without the event; the totals tell of it. */
	if (err)
		c->totals.unrecorded++;
	return 0;
}

/* ---- folding ---- */

static bool stack_ready(struct lsp_collector *c, const struct lsp_stackset_stack *s, bool last)
{
	struct lsp_process *process;

	if (s->trace != LSP_INDEX_NONE || last)
		return true;
	if (!s->arrived)
		return false;
	if (lsp_resolver_mapped(c->resolver, s->tgid, s->generation))
		return true;
	process = lsp_processes_at(&c->processes, s->tgid);
	return c->live && !s->generation && process &&
	       lsp_process_read(process, c->resolver, s->generation);
}

/*
 * An address outside every mapping may lie in a library that was loaded since
 * /proc was read. Reads it again, once in a while; whether that is worth a
 * second try.
 */
static bool mappings_refresh(struct lsp_collector *c, const struct lsp_stackset_stack *s)
{
	struct lsp_process *process = lsp_processes_at(&c->processes, s->tgid);

	return c->live && process && process->read_ns &&
	       lsp_process_read(process, c->resolver, s->generation);
}

/* Sets the trace of the stack at @place. A stack that never came resolves to no frames. */
static int stack_resolve(struct lsp_collector *c, uint32_t place, enum lsp_side side)
{
	const struct lsp_stackset_stack *s = &c->stacks.stacks[place];
	uint32_t trace_place = LSP_TRACE_NONE;
	struct lsp_process *process;
	struct lsp_trace trace;
	int err;

	if (s->trace != LSP_INDEX_NONE)
		return 0;
	if (s->raw) {
		if (c->live && !lsp_resolver_mapped(c->resolver, s->tgid, s->generation)) {
			process = lsp_processes_at(&c->processes, s->tgid);
			if (process)
				lsp_process_read(process, c->resolver, s->generation);
		}
		err = lsp_resolver_stack(c->resolver, s->raw, side, &trace);
		if (!err && trace.end == LSP_END_NO_MAP && mappings_refresh(c, s)) {
			lsp_trace_uninit(&trace);
			err = lsp_resolver_stack(c->resolver, s->raw, side, &trace);
		}
		if (!err)
			err = lsp_traces_put(&c->traces, s->tgid, &trace, &trace_place);
		if (err)
			return err;
	}
	lsp_stackset_resolve(&c->stacks, place, trace_place);
	return 0;
}

static const struct lsp_trace *trace_at(const struct lsp_collector *c, uint32_t place)
{
	return &c->traces.entries[place].trace;
}

/* Class of a row by its own record and stack. */
static enum lsp_sync own_class(const struct lsp_collector *c, uint32_t kind, uint32_t trace)
{
	if (kind & KIND_JOIN)
		return LSP_SYNC_JOIN;
	if (kind & KIND_PI)
		return LSP_SYNC_PI;
	if (kind & KIND_INTERRUPT)
		return LSP_SYNC_OTHER;
	return trace_at(c, trace)->sync;
}

/* First pass: stacks become traces, and the locks learn who waits on them. */
static int row_resolve(struct lsp_collector *c, const struct lsp_aggregate_row *row)
{
	uint32_t kind = row->key.kind & KIND_MASK;
	uint32_t stack = (uint32_t)row->key.stack;
	struct lsp_process *owner;
	struct lsp_lock *lock;
	uint32_t trace;
	int err;

	err = stack_resolve(c, stack,
			    kind == LSP_ROW_MUTEX ? LSP_SIDE_RELEASER : LSP_SIDE_WAITER);
	if (err)
		return err;
	trace = c->stacks.stacks[stack].trace;

	lock = lsp_locks_at(&c->locks, row->key.key);
	owner = lsp_processes_at(&c->processes, row->key.owner);
	if (!lock || !owner)
		return -ENOMEM;
	if (!lock->owner) {
		lock->owner = row->key.owner;
		lock->uaddr = row->key.lock;
	}
	lock->generation = owner->generation;
	if (kind != LSP_ROW_MUTEX && row->sums.kept)
		lsp_lock_wait_add(lock, own_class(c, row->key.kind, trace), trace,
				  row->sums.count, row->sums.delay_ns);
	return 0;
}

static int lock_name(struct lsp_collector *c, struct lsp_lock *lock, uint32_t trace,
		     uint32_t *ret)
{
	const char *name;
	int err;

	if (lock->name == LSP_INDEX_NONE) {
		if (lock->trace != LSP_INDEX_NONE)
			trace = lock->trace;
		name = lsp_resolver_lock(c->resolver, lock->owner, lock->generation, lock->uaddr,
					 lsp_lock_class(lock), trace_at(c, trace));
		err = lsp_strings_place(&c->locks.names, name, SIZE_MAX, &lock->name);
		if (err)
			return err;
	}
	*ret = lock->name;
	return 0;
}

/* Second pass: the sums move to the row of their trace and lock. */
static int row_fold(struct lsp_collector *c, const struct lsp_aggregate_row *row)
{
	uint32_t trace = c->stacks.stacks[row->key.stack].trace;
	enum lsp_sync sync = own_class(c, row->key.kind, trace);
	struct lsp_lock *lock = lsp_locks_at(&c->locks, row->key.key);
	struct lsp_aggregate_key key = {
		.stack = trace,
		.tgid = row->key.tgid,
		.comm = row->key.comm,
		.kind = (row->key.kind & (KIND_MASK | KIND_INTERRUPT)) |
			(uint32_t)sync << KIND_SYNC_SHIFT,
	};
	struct lsp_sums *sums;
	uint32_t name;
	int err;

	if (!lock)
		return -ENOMEM;
	err = lock_name(c, lock, trace, &name);
	if (err)
		return err;
	key.lock = name;
	/* A releaser that does not say what it releases is classed by the lock, when rows are read. */
	if (sync == LSP_SYNC_OTHER && (key.kind & KIND_MASK) == LSP_ROW_MUTEX)
		key.key = row->key.key;

	sums = lsp_aggregate_at(&c->resolved, &key);
	if (!sums)
		return -ENOMEM;
	lsp_sums_merge(sums, &row->sums);
	return 0;
}

/* Drops resolved stacks that nothing names any more, and renumbers what waits. */
static int stacks_compact(struct lsp_collector *c)
{
	struct lsp_aggregate old = c->pending;
	uint32_t *moved;
	int err;

	if (c->stacks.n < STACKS_KEPT)
		return 0;
	moved = malloc(c->stacks.n * sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	err = lsp_stackset_compact(&c->stacks, moved);
	if (err)
		goto out;
	memset(&c->pending, 0, sizeof(c->pending));
	for (size_t i = 0; i < old.n; i++) {
		struct lsp_aggregate_key key = old.rows[i].key;
		struct lsp_sums *sums;

		key.stack = moved[key.stack];
		sums = lsp_aggregate_at(&c->pending, &key);
		if (sums)
			lsp_sums_merge(sums, &old.rows[i].sums);
		else
			c->totals.unrecorded += old.rows[i].sums.kept;
	}
	lsp_aggregate_uninit(&old);
out:
	free(moved);
	return err;
}

/* @last: nothing more will come, so resolve with what there is. */
static int fold(struct lsp_collector *c, bool last)
{
	struct lsp_aggregate work = c->pending;
	bool *ready = calloc(work.n ? work.n : 1, sizeof(*ready));
	int err = 0;

	if (!ready)
		return -ENOMEM;
	memset(&c->pending, 0, sizeof(c->pending));
	for (size_t i = 0; i < work.n; i++) {
		uint32_t stack = (uint32_t)work.rows[i].key.stack;

		ready[i] = stack_ready(c, &c->stacks.stacks[stack], last) &&
			   !row_resolve(c, &work.rows[i]);
	}
	for (size_t i = 0; i < work.n; i++) {
		const struct lsp_aggregate_row *row = &work.rows[i];
		struct lsp_sums *sums;

		if (ready[i] && !row_fold(c, row))
			continue;
		sums = lsp_aggregate_at(&c->pending, &row->key);
		if (sums)
			lsp_sums_merge(sums, &row->sums);
		else
			c->totals.unrecorded += row->sums.kept;
		if (ready[i] || !sums)
			err = -ENOMEM;
	}
	lsp_aggregate_uninit(&work);
	free(ready);
	c->fold_rows = c->pending.n + FOLD_ROWS;
	c->fold_bytes = c->stacks.raw_bytes + FOLD_BYTES;
	return err ? err : stacks_compact(c);
}

int lsp_collector_feed(struct lsp_collector *c, uint32_t cpu, uint64_t seq, const void *run,
		       size_t bytes)
{
	int err = lsp_streams_feed(&c->streams, cpu, seq, run, bytes, any_record, c);

	if (c->pending.n >= c->fold_rows || c->stacks.raw_bytes >= c->fold_bytes)
		fold(c, c->stacks.raw_bytes >= WAITING_BYTES);
	return err;
}

int lsp_collector_tick(struct lsp_collector *c)
{
	return fold(c, false);
}

int lsp_collector_finish(struct lsp_collector *c)
{
	return fold(c, true);
}

size_t lsp_collector_missing(struct lsp_collector *c, uint64_t now_ns, uint64_t *ids, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < c->pending.n && n < max; i++) {
		struct lsp_stackset_stack *s = &c->stacks.stacks[c->pending.rows[i].key.stack];

		if (s->arrived || now_ns < s->asked_ns + MISSING_AFTER_NS)
			continue;
		s->asked_ns = now_ns + ASK_EVERY_NS - MISSING_AFTER_NS;
		ids[n++] = s->id;
	}
	return n;
}

/* ---- what came of it ---- */

bool lsp_sync_is_lock(enum lsp_sync sync)
{
	return sync == LSP_SYNC_MUTEX || sync == LSP_SYNC_RWLOCK_RD ||
	       sync == LSP_SYNC_RWLOCK_WR || sync == LSP_SYNC_PI;
}

int lsp_collector_rows(const struct lsp_collector *c,
		       int (*fn)(void *arg, const struct lsp_row *row), void *arg)
{
	for (size_t i = 0; i < c->resolved.n; i++) {
		const struct lsp_aggregate_key *key = &c->resolved.rows[i].key;
		struct lsp_row row = {
			.kind = (enum lsp_row_kind)(key->kind & KIND_MASK),
			.trace = trace_at(c, (uint32_t)key->stack),
			.lock = c->locks.names.strings[key->lock],
			.comm = c->comms.strings[key->comm],
			.sync = (enum lsp_sync)(key->kind >> KIND_SYNC_SHIFT),
			.tgid = key->tgid,
			.interrupt = key->kind & KIND_INTERRUPT,
			.sums = &c->resolved.rows[i].sums,
		};
		int err;

		if (key->key)
			row.sync = lsp_lock_class(lsp_locks_find(&c->locks, key->key));
		err = fn(arg, &row);
		if (err)
			return err;
	}
	return 0;
}

void lsp_collector_totals(const struct lsp_collector *c, struct lsp_collector_totals *ret)
{
	*ret = c->totals;
	ret->records = c->streams.records;
	ret->gaps = c->streams.gaps;
	ret->gap_records = c->streams.lost;
	ret->damaged = c->streams.bad_runs;
	ret->unknown = c->streams.unknown;
	ret->stacks = c->stacks.n - 1;
	ret->stacks_missing = 0;
	for (size_t i = 0; i < c->stacks.n; i++)
		ret->stacks_missing += !c->stacks.stacks[i].arrived;
	ret->traces = c->traces.n - 1;
	ret->processes = c->processes.n;
	ret->rows = c->pending.n + c->resolved.n;
}

const struct lsp_collector_outcome *lsp_collector_outcomes(const struct lsp_collector *c)
{
	return c->outcomes;
}

const char *lsp_collector_top(const struct lsp_collector *c, double *wait_ns_ret)
{
	const struct lsp_lock *best = NULL;

	for (size_t i = 0; i < c->locks.n; i++)
		if (c->locks.locks[i].name != LSP_INDEX_NONE &&
		    (!best || c->locks.locks[i].wait_ns > best->wait_ns))
			best = &c->locks.locks[i];
	*wait_ns_ret = best ? best->wait_ns : 0;
	return best ? c->locks.names.strings[best->name] : "";
}
