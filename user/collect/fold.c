// SPDX-License-Identifier: GPL-2.0-only
#include "fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compact.h"
#include "state.h"
#include "undecided.h"

/* How many sums, and how many bytes of captured stacks, may gather before they are folded. */
#define FOLD_ROWS 65536
#define FOLD_BYTES (16 << 20)
/* How many notes may gather until the first fold, which tells of which keys none are needed. Later folds wait for more. */
#define FOLD_NOTES 4096
/* How many frames of one stack are taught. The module walks no more. */
#define LESSON_RULES 256
/* So long after a release its wait may still be told: a thread that is late to run tells it late. */
#define EARLY_NS 1000000000ULL

/*
 * Reads /proc, once in a while, for a stack whose mappings the module does not send. For mappings that it does
 * send /proc is never read, because /proc shows the present mappings and not those of an earlier generation.
 */
static bool mappings_read(struct lsp_collector *c, const struct lsp_stackset_stack *s)
{
	struct lsp_process *process = c->live && !s->generation ? lsp_processes_at(&c->processes, s->tgid) : NULL;

	return process && lsp_process_read(process, c->resolver);
}

static bool stack_ready(struct lsp_collector *c, const struct lsp_stackset_stack *s, bool last)
{
	if (s->trace != LSP_INDEX_NONE || last)
		return true;
	if (!s->arrived)
		return false;
	return lsp_resolver_mapped(c->resolver, s->tgid, s->generation) || mappings_read(c, s);
}

/* Takes over @trace. The trace and the stack's name also go to the span file. */
static int trace_put(struct lsp_collector *c, const struct lsp_stackset_stack *s,
		     struct lsp_trace *trace, uint32_t *ret)
{
	size_t before = c->traces.n;
	int err = lsp_traces_put(&c->traces, s->tgid, trace, ret);

	if (err || !c->spans)
		return err;
	if (c->traces.n != before)
		lsp_trace_spanfile(lsp_collector_trace(c, *ret), *ret, c->spans);
	lsp_spanfile_add_stack(c->spans, &(struct lsp_spanfile_stack){
		.id = s->id, .tgid = s->tgid, .trace = *ret, .generation = s->generation });
	return 0;
}

/* Notes that stacks of a process were not complete because the window was too small. */
static void deep_note(struct lsp_collector *c, uint32_t tgid)
{
	struct lsp_process *process = lsp_processes_at(&c->processes, tgid);

	if (!process || process->deep)
		return;
	process->deep = true;
	c->deep_due = true;
}

/* Teaches the module the rules that the unwind tables have for this stack's frames. */
static void stack_teach(struct lsp_collector *c, const struct lockspan_stack *stack)
{
	struct lockspan_rule rules[LESSON_RULES];
	size_t n = lsp_resolver_rules(c->resolver, stack, rules, LESSON_RULES);

	if (n)
		c->teach(c->teach_arg, stack->generation, rules, n);
}

void lsp_collector_teach(struct lsp_collector *c)
{
	size_t kept = 0;

	c->lesson_due = false;
	for (size_t i = 0; i < c->nlessons; i++) {
		const struct lsp_lesson lesson = c->lessons[i];
		struct lsp_stackset_stack *s;
		uint32_t place;

		if (lsp_stackset_place(&c->stacks, lesson.tgid, lesson.id, c->now_ns, &place))
			continue;
		s = &c->stacks.stacks[place];
		if (!s->raw || s->taught)
			continue;
		if (!lsp_resolver_mapped(c->resolver, s->tgid, s->generation)) {
			c->lessons[kept++] = lesson;
			continue;
		}
		s->taught = true;
		stack_teach(c, s->raw);
	}
	c->nlessons = kept;
}

/* Sets the trace of the stack at @place. A stack that never came resolves to no frames. */
static int stack_resolve(struct lsp_collector *c, uint32_t place, enum lsp_side side)
{
	const struct lsp_stackset_stack *s = &c->stacks.stacks[place];
	uint32_t trace_place = LSP_TRACE_NONE;
	struct lsp_trace trace;
	int err;

	if (s->trace != LSP_INDEX_NONE)
		return 0;
	if (s->raw) {
		if (!lsp_resolver_mapped(c->resolver, s->tgid, s->generation))
			mappings_read(c, s);
		err = lsp_resolver_stack(c->resolver, s->raw, side, &trace);
		/* The code may be in a library that was loaded since. */
		if (!err && trace.end == LSP_END_NO_MAP && mappings_read(c, s)) {
			lsp_trace_uninit(&trace);
			err = lsp_resolver_stack(c->resolver, s->raw, side, &trace);
		}
		/* An absent page ends a copy too, and behind a frame that was never written to the stack goes on. */
		if (!err && trace.end == LSP_END_TRUNCATED && s->raw->mode == LOCKSPAN_STACK_SPARSE)
			deep_note(c, s->tgid);
		if (!err)
			err = trace_put(c, s, &trace, &trace_place);
		if (err)
			return err;
	}
	lsp_stackset_resolve(&c->stacks, place, trace_place);
	return 0;
}

enum lsp_sync lsp_collector_own_class(const struct lsp_collector *c, uint32_t kind, uint32_t trace)
{
	if (kind & KIND_JOIN)
		return LSP_SYNC_JOIN;
	if (kind & KIND_PI)
		return LSP_SYNC_PI;
	if (kind & KIND_INTERRUPT)
		return LSP_SYNC_OTHER;
	return lsp_collector_trace(c, trace)->sync;
}

/*
 * Returns the mappings in which the address of a row's lock is to be looked up: those with which its own stack
 * was taken, if the stack is of the process that waited.
 */
static struct lsp_lock_home row_home(const struct lsp_collector *c, const struct lsp_aggregate_row *row)
{
	const struct lsp_stackset_stack *s = &c->stacks.stacks[row->key.stack];
	bool waiter = (row->key.kind & KIND_MASK) != LSP_ROW_MUTEX;

	return (struct lsp_lock_home){
		.tgid = s->tgid, .generation = s->generation,
		.known = s->id && s->arrived && (waiter || row->key.tgid == row->key.owner),
	};
}

/*
 * For rows that do not tell: the mappings of other events with the lock, unless these gave it several names; or
 * the process's own mappings, unless these have changed.
 */
static struct lsp_lock_home lock_home(struct lsp_collector *c, const struct lsp_lock *lock, uint32_t owner)
{
	const struct lsp_process *process;

	if (lock->renamed)
		return (struct lsp_lock_home){ .tgid = owner };
	if (lock->home.known)
		return lock->home;
	process = lsp_processes_at(&c->processes, owner);
	return (struct lsp_lock_home){
		.tgid = owner, .generation = process ? process->generation : 0,
		.known = process && !process->changed,
	};
}

/* First pass: resolves stacks to traces, and notes which traces wait for each lock. */
static int row_resolve(struct lsp_collector *c, const struct lsp_aggregate_row *row)
{
	uint32_t kind = row->key.kind & KIND_MASK;
	uint32_t stack = (uint32_t)row->key.stack;
	struct lsp_lock_home home;
	struct lsp_lock *lock;
	uint32_t trace;
	int err;

	err = stack_resolve(c, stack,
			    kind == LSP_ROW_MUTEX ? LSP_SIDE_RELEASER : LSP_SIDE_WAITER);
	if (err)
		return err;
	trace = c->stacks.stacks[stack].trace;
	/* The span file finds stacks by process: of processes that share their memory each has them. */
	if (c->spans && stack != LSP_STACK_NOT_TAKEN && row->key.tgid != c->stacks.stacks[stack].tgid)
		lsp_spanfile_add_stack(c->spans, &(struct lsp_spanfile_stack){
			.id = c->stacks.stacks[stack].id, .tgid = row->key.tgid, .trace = trace,
			.generation = c->stacks.stacks[stack].generation });

	lock = lsp_locks_at(&c->locks, row->key.key);
	if (!lock || !lsp_processes_at(&c->processes, row->key.owner))
		return -ENOMEM;
	if (!lock->owner) {
		lock->owner = row->key.owner;
		lock->uaddr = row->key.lock;
	}
	lock->shared |= !!(row->key.kind & KIND_SHARED);
	home = row_home(c, row);
	if (home.known)
		lock->home = home;
	if (kind != LSP_ROW_MUTEX && row->sums.estimate.kept)
		lsp_lock_wait_add(lock, lsp_collector_own_class(c, row->key.kind, trace), trace,
				  row->sums.estimate.count, row->sums.estimate.delay_ns);
	lsp_collector_lock_learn(c, lock, row, trace);
	return 0;
}

/* Names a lock that is in no variable, or in one that cannot be looked up. */
static int lock_bare_name(struct lsp_collector *c, struct lsp_lock *lock, const struct lsp_lock_home *home,
			  uint64_t uaddr, uint32_t trace, uint32_t *ret)
{
	const char *name;
	int err;

	if (lock->bare == LSP_INDEX_NONE) {
		if (lock->trace != LSP_INDEX_NONE)
			trace = lock->trace;
		name = lsp_births_name(&c->births, lock->key, lock->owner, lock->uaddr);
		if (!name)
			name = lsp_resolver_lock(c->resolver, home->tgid,
						 home->known ? home->generation : LSP_GENERATION_UNKNOWN,
						 uaddr, lsp_lock_class(lock), lsp_collector_trace(c, trace));
		err = lsp_locks_name(&c->locks, name, &lock->bare);
		if (err)
			return err;
	}
	*ret = lock->bare;
	return 0;
}

/* The first name of a lock goes to the span file, and each other one; that it has had several is remembered. */
static void lock_named(struct lsp_collector *c, struct lsp_lock *lock, const struct lsp_lock_home *home, uint32_t name)
{
	if (c->spans && (name != lock->told || c->locks.forgotten))
		lsp_spanfile_add_lock(c->spans, &(struct lsp_spanfile_lock){
			.key = lock->key, .name = lsp_intern_get(&c->locks.names, name, NULL),
			.sync = lsp_sync_name(lsp_lock_class(lock)),
			.tgid = home->tgid, .generation = home->generation });
	if (lock->told == LSP_INDEX_NONE)
		lock->told = name;
	lock->renamed |= lock->name != LSP_INDEX_NONE && lock->name != name;
	lock->name = name;
}

static int lock_name(struct lsp_collector *c, struct lsp_lock *lock, const struct lsp_lock_home *home,
		     uint64_t uaddr, uint32_t trace, uint32_t *ret)
{
	int err;

	if (home->known) {
		*ret = lsp_locks_named(&c->locks, lock->key, home);
		if (*ret != LSP_INDEX_NONE)
			return 0;
	}
	if (home->known && lsp_resolver_lock_is_named(c->resolver, home->tgid, home->generation, uaddr))
		err = lsp_locks_name(&c->locks,
				     lsp_resolver_lock(c->resolver, home->tgid, home->generation, uaddr,
						       lsp_lock_class(lock), lsp_collector_trace(c, trace)), ret);
	else if (lock->shared && lock->name != LSP_INDEX_NONE)
		/* The mappings of another process gave the name. */
		*ret = lock->name, err = 0;
	else
		err = lock_bare_name(c, lock, home, uaddr, trace, ret);
	if (err || !home->known)
		return err;
	lock_named(c, lock, home, *ret);
	return lsp_locks_named_put(&c->locks, lock->key, home, *ret);
}

static int thread_add(struct lsp_collector *c, const struct lsp_aggregate_row *row,
		      enum lsp_sync sync, const struct lsp_lock *lock)
{
	struct lsp_thread *t = lsp_threads_at(&c->threads, row->key.tgid, row->key.tid);
	const struct lsp_estimate *e = &row->sums.estimate;

	if (row->key.kind & KIND_GIVEN_UP)
		return 0;
	if (!t)
		return -ENOMEM;
	t->comm = row->key.comm;
	switch (row->key.kind & KIND_MASK) {
	case LSP_ROW_BLOCK:
		t->waits += e->count;
		t->waited_ns += e->delay_ns;
		t->late_ns += row->sums.sched_ns;
		break;
	case LSP_ROW_OPEN:
		t->open += (double)e->kept;
		if (e->largest_ns > t->open_longest_ns)
			t->open_longest_ns = e->largest_ns;
		break;
	default:
		if (sync == LSP_SYNC_OTHER)
			sync = lsp_lock_class(lock);
		if (lock->tracked && !lock->native)
			return lsp_collector_undecided_add(c, row, sync);
		if (lsp_sync_is_lock(sync))
			return lsp_collector_blame_add(c, row->key.tgid, row->key.tid, row->key.comm, e);
	}
	return 0;
}

/* Rows of outcomes that are summed elsewhere have an empty estimate. */
static void outcome_add(struct lsp_collector *c, const struct lsp_aggregate_row *row)
{
	uint32_t outcome = row->key.kind >> KIND_OUTCOME_SHIFT & KIND_OUTCOME_MASK;

	if ((row->key.kind & KIND_MASK) != LSP_ROW_MUTEX && outcome < LOCKSPAN_OUTCOME_COUNT)
		lsp_estimate_merge(&c->outcomes[outcome], &row->sums.estimate);
}

void lsp_collector_row_key(const struct lsp_collector *c, struct lsp_aggregate_key *key)
{
	if (!(key->kind & KIND_NOTED) && !lsp_collector_row_is_open(c, key))
		key->key = 0;
}

/* A resolved row belongs to all locks of one name. */
static void row_lock_set(const struct lsp_collector *c, struct lsp_aggregate_key *key, uint32_t name)
{
	key->lock = name;
	key->owner = 0;
	key->generation = 0;
	lsp_collector_row_key(c, key);
}

/* Idle waits on condition variables would hide the locks from whoever looks for the worst. */
void lsp_collector_row_wait_add(struct lsp_collector *c, const struct lsp_aggregate_key *key,
				const struct lsp_sums *sums)
{
	enum lsp_sync sync = (enum lsp_sync)(key->kind >> KIND_SYNC_SHIFT & KIND_SYNC_MASK);
	enum lsp_role role = (enum lsp_role)(key->kind >> KIND_ROLE_SHIFT & KIND_ROLE_MASK);

	if ((key->kind & KIND_MASK) != LSP_ROW_MUTEX &&
	    (role == LSP_ROLE_LOCK || lsp_sync_is_lock(sync) ||
	     (sync == LSP_SYNC_OTHER && role == LSP_ROLE_UNKNOWN)))
		lsp_locks_wait_add(&c->locks, (uint32_t)key->lock, sums->estimate.delay_ns);
}

/* Tells of which lock the waits or releases of a row are. */
static int row_spread_name(struct lsp_collector *c, const struct lsp_aggregate_row *row, uint32_t name)
{
	bool waits = (row->key.kind & KIND_MASK) == LSP_ROW_BLOCK;

	if (!row->sums.estimate.kept || c->steady || row->key.kind & KIND_GIVEN_UP)
		return 0;
	return lsp_spreads_name(waits ? &c->spreads : &c->holds, row->sums.spread, name);
}

/* Second pass: moves the sums to the row of their trace and lock. */
static int row_fold(struct lsp_collector *c, const struct lsp_aggregate_row *row)
{
	uint32_t trace = c->stacks.stacks[row->key.stack].trace;
	enum lsp_sync sync = lsp_collector_own_class(c, row->key.kind, trace);
	struct lsp_lock *lock = lsp_locks_at(&c->locks, row->key.key);
	struct lsp_lock_home home = row_home(c, row);
	struct lsp_aggregate_key key = {
		.stack = trace,
		.tgid = row->key.tgid,
		.comm = row->key.comm,
		.kind = (row->key.kind & (KIND_MASK | KIND_INTERRUPT | KIND_WORKER | KIND_GIVEN_UP)) |
			(uint32_t)sync << KIND_SYNC_SHIFT,
	};
	struct lsp_sums *sums;
	uint32_t name;
	int err;

	if (!lock)
		return -ENOMEM;
	if (lock->first == LSP_SYNC_OTHER)
		lock->first = lsp_lock_class(lock);
	key.key = row->key.key;
	if (!lock->native)
		key.kind |= row->key.kind & KIND_NOTED;
	if (!home.known)
		home = lock_home(c, lock, row->key.owner);
	if (!c->late_names) {
		err = lock_name(c, lock, &home, row->key.lock, trace, &name);
		if (!err)
			err = row_spread_name(c, row, name);
		if (err)
			return err;
		row_lock_set(c, &key, name);
	} else {
		key.lock = row->key.lock;
		key.owner = home.tgid;
		key.generation = home.known ? home.generation : LSP_GENERATION_UNKNOWN;
	}

	sums = lsp_aggregate_at(&c->resolved, &key);
	if (!sums)
		return -ENOMEM;
	lsp_sums_merge(sums, &row->sums);
	err = thread_add(c, row, sync, lock);
	if (err)
		return err;
	outcome_add(c, row);
	if (!c->late_names)
		lsp_collector_row_wait_add(c, &key, &row->sums);
	return 0;
}

/* Whether @walked has the trace at @place, for a waiter or for a releaser: either may have taken the stack. */
static bool pair_equal(struct lsp_collector *c, const struct lockspan_stack *walked, uint32_t place)
{
	struct lsp_trace trace;
	uint32_t other;

	for (int side = 0; side < 2; side++) {
		if (lsp_resolver_stack(c->resolver, walked, side ? LSP_SIDE_RELEASER : LSP_SIDE_WAITER,
				       &trace) ||
		    lsp_traces_put(&c->traces, walked->tgid, &trace, &other))
			return false;
		if (place == other)
			return true;
	}
	return false;
}

/* Whether a walk and the snapshot taken with it come to one trace. *@cut: the window ended the snapshot. */
static bool pair_compare(struct lsp_collector *c, const struct lsp_pair *p, bool *cut)
{
	uint32_t walked, copied, trace;

	*cut = false;
	if (lsp_stackset_place(&c->stacks, p->tgid, p->walked, c->now_ns, &walked) ||
	    lsp_stackset_place(&c->stacks, p->tgid, p->copied, c->now_ns, &copied) ||
	    stack_resolve(c, copied, LSP_SIDE_WAITER) || !c->stacks.stacks[walked].raw)
		return false;
	trace = c->stacks.stacks[copied].trace;
	*cut = c->traces.entries[trace].trace.end == LSP_END_TRUNCATED;
	return !*cut && pair_equal(c, c->stacks.stacks[walked].raw, trace);
}

void lsp_collector_pairs_compare(struct lsp_collector *c)
{
	for (size_t i = 0; i < c->npairs; i++) {
		bool cut, equal = pair_compare(c, &c->pairs[i], &cut);

		/* The walk goes to the stack's end and a cut snapshot does not: they cannot be the same. */
		c->totals.pairs += !cut;
		c->totals.pairs_equal += equal;
	}
	c->npairs = 0;
}

void lsp_collector_births_name(struct lsp_collector *c)
{
	for (size_t i = 0; i < c->births.n; i++) {
		struct lsp_birth *b = &c->births.births[i];
		uint32_t place;

		if (b->name || lsp_stackset_place(&c->stacks, b->stack_tgid, b->stack, c->now_ns, &place) ||
		    stack_resolve(c, place, LSP_SIDE_WAITER))
			continue;
		b->name = lsp_resolver_birth(c->resolver,
					     lsp_collector_trace(c, c->stacks.stacks[place].trace));
	}
	lsp_births_sort(&c->births);
}

/* If locks are named at the end, rows have been kept by the keys of their locks. */
static int rows_name(struct lsp_collector *c)
{
	struct lsp_aggregate work = c->resolved;
	int err = 0;

	memset(&c->resolved, 0, sizeof(c->resolved));
	c->late_names = false;
	for (size_t i = 0; i < work.n; i++) {
		const struct lsp_aggregate_row *row = &work.rows[i];
		struct lsp_aggregate_key key = row->key;
		struct lsp_lock_home home = {
			.tgid = key.owner, .generation = key.generation,
			.known = key.generation != LSP_GENERATION_UNKNOWN,
		};
		struct lsp_lock *lock = lsp_locks_at(&c->locks, key.key);
		struct lsp_sums *sums = NULL;
		uint32_t name;

		if (lock && !lock_name(c, lock, &home, key.lock, (uint32_t)key.stack, &name) &&
		    !row_spread_name(c, row, name)) {
			row_lock_set(c, &key, name);
			sums = lsp_aggregate_at(&c->resolved, &key);
		}
		if (!sums) {
			c->totals.unrecorded += row->sums.estimate.kept;
			err = -ENOMEM;
			continue;
		}
		lsp_sums_merge(sums, &row->sums);
		lsp_collector_row_wait_add(c, &key, &row->sums);
	}
	lsp_aggregate_uninit(&work);
	return err;
}

bool lsp_collector_fold_due(const struct lsp_collector *c)
{
	return c->first_full || c->pending.n >= c->fold_rows + FOLD_ROWS ||
	       (!c->notes.full && c->notes.n >= 2 * c->fold_notes + FOLD_NOTES) ||
	       c->stacks.raw_bytes >= c->fold_bytes + FOLD_BYTES;
}

/*
 * The record of a release comes when it happens, that of the wait only when the thread has run. A fold between
 * the two would name a lock that is no variable by the releaser, and class it by nothing. So releases of a lock
 * that nobody is known to have waited for are left to a later fold, for a while.
 */
static bool row_is_early(struct lsp_collector *c, const struct lsp_aggregate_row *row)
{
	struct lsp_lock *lock;

	if (c->late_names || (row->key.kind & KIND_MASK) != LSP_ROW_MUTEX)
		return false;
	lock = lsp_locks_at(&c->locks, row->key.key);
	if (!lock || lock->trace != LSP_INDEX_NONE || lock->name != LSP_INDEX_NONE)
		return false;
	if (!lock->early_ns)
		lock->early_ns = c->now_ns;
	return c->now_ns < lock->early_ns + EARLY_NS;
}

int lsp_collector_fold(struct lsp_collector *c, bool last)
{
	struct lsp_aggregate work = c->pending;
	bool *ready = calloc(work.n ? work.n : 1, sizeof(*ready));
	int err = 0;

	if (!ready)
		return -ENOMEM;
	c->first_full = false;
	memset(&c->pending, 0, sizeof(c->pending));
	lsp_recent_clear(&c->recent);
	/* Before any stack is named, which takes longest and after which it is not held any more. */
	lsp_collector_teach(c);
	for (size_t i = 0; i < work.n; i++) {
		uint32_t stack = (uint32_t)work.rows[i].key.stack;

		lsp_sums_settle(&work.rows[i].sums);
		ready[i] = stack_ready(c, &c->stacks.stacks[stack], last) &&
			   !row_resolve(c, &work.rows[i]);
	}
	for (size_t i = 0; i < work.n; i++) {
		const struct lsp_aggregate_row *row = &work.rows[i];
		struct lsp_sums *sums;

		if (ready[i] && !last && row_is_early(c, row))
			ready[i] = false;
		if (ready[i] && !row_fold(c, row))
			continue;
		sums = lsp_aggregate_at(&c->pending, &row->key);
		if (sums)
			lsp_sums_merge(sums, &row->sums);
		else
			c->totals.unrecorded += row->sums.estimate.kept;
		if (ready[i] || !sums)
			err = -ENOMEM;
	}
	lsp_aggregate_uninit(&work);
	free(ready);
	c->fold_rows = c->pending.n;
	c->fold_notes = c->notes.n;
	c->fold_bytes = c->stacks.raw_bytes;
	if (c->late_names && last && rows_name(c))
		err = -ENOMEM;
	return err ? err : lsp_collector_compact(c);
}
