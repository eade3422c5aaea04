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

#include "fold.h"
#include "settle.h"
#include "state.h"
#include "undecided.h"

/*
 * How many captured stacks may wait for their mappings. If there are more, they are resolved
 * without mappings.
 */
#define WAITING_BYTES (256 << 20)

#define MISSING_AFTER_NS 500000000ULL
#define ASK_EVERY_NS 1000000000ULL

/*
 * A fold resolves new stacks while they are few. If all stacks of a second were resolved at once,
 * the socket would not be read for a long time.
 */
#define NAME_EVERY_NS 50000000ULL

int lsp_collector_create(const struct lsp_collector_options *o, struct lsp_collector **ret)
{
	struct lsp_collector *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->spans = o->spans;
	c->live = o->live;
	c->steady = o->steady;
	c->late_names = o->late_names;
	c->keep_stacks = o->keep_stacks;
	c->events.on = o->roots && !o->steady;
	c->teach = o->teach;
	c->teach_arg = o->teach_arg;
	err = lsp_resolver_create(&o->resolver, &c->resolver);
	if (!err)
		err = lsp_stackset_init(&c->stacks);
	c->stacks.by_process = o->own_names;
	if (!err)
		err = lsp_traces_init(&c->traces);
	if (!err)
		err = lsp_recent_init(&c->recent);
	if (!err)
		err = lsp_spreads_init(&c->spreads) || lsp_spreads_init(&c->holds) ? -ENOMEM : 0;
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
	lsp_aggregate_uninit(&c->undecided);
	lsp_notes_uninit(&c->notes);
	lsp_roles_uninit(&c->roles);
	lsp_root_events_uninit(&c->events);
	lsp_root_sums_uninit(&c->roots);
	lsp_watched_uninit(&c->watched);
	lsp_recent_uninit(&c->recent);
	lsp_intern_uninit(&c->comms);
	lsp_threads_uninit(&c->threads);
	lsp_spreads_uninit(&c->spreads);
	lsp_spreads_uninit(&c->holds);
	free(c->pairs);
	free(c->times);
	free(c->lessons);
	lsp_locks_uninit(&c->locks);
	lsp_births_uninit(&c->births);
	lsp_traces_uninit(&c->traces);
	lsp_processes_uninit(&c->processes);
	lsp_stackset_uninit(&c->stacks);
	lsp_streams_uninit(&c->streams);
	lsp_resolver_destroy(c->resolver);
	free(c);
}

/* ---- records ---- */

/* Finds the sums of an event by the names of its stack and thread; NULL: no memory. */
static struct lsp_sums *pending_find(struct lsp_collector *c, const struct lsp_recent_event *e,
				     struct lsp_recent_slot *slot)
{
	struct lsp_aggregate_key key = {
		.lock = e->lock, .key = e->key, .tgid = e->tgid, .owner = e->owner,
		.kind = e->kind, .tid = e->tid,
	};
	struct lsp_sums *sums;
	const char *name = (const char *)e->comm;
	int64_t comm = lsp_intern_add(&c->comms, name, strnlen(name, LOCKSPAN_COMM_LEN));
	uint32_t place;

	if (comm < 0 || lsp_stackset_place(&c->stacks, e->tgid, e->stack, c->now_ns, &place))
		return NULL;
	key.comm = (uint32_t)comm;
	key.stack = place;
	if (lsp_collector_notes(c, e->key))
		key.kind |= KIND_NOTED;
	sums = lsp_aggregate_at(&c->pending, &key);
	if (!sums)
		return NULL;
	if (!sums->spread && !c->steady && !(e->kind & KIND_GIVEN_UP))
		sums->spread = lsp_spreads_at((e->kind & KIND_MASK) == LSP_ROW_BLOCK ? &c->spreads : &c->holds, e->key);
	lsp_recent_put(&c->recent, slot, e, lsp_aggregate_offset(&c->pending, sums));
	return sums;
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

/*
 * Outcomes whose sums are those of a row of their own. Their estimates are added up when the row is
 * folded.
 */
static bool outcome_is_summed(const struct lockspan_span *s)
{
	return lsp_span_is_contention(s) || s->outcome == LOCKSPAN_OPEN;
}

/* Returns the kind of a span's row, and the estimate of its outcome if that is not the row's. */
static __attribute__((noinline))
uint32_t span_kind(struct lsp_collector *c, const struct lockspan_span *s)
{
	uint32_t kind = (s->outcome == LOCKSPAN_OPEN ? LSP_ROW_OPEN : LSP_ROW_BLOCK) |
			(uint32_t)s->outcome << KIND_OUTCOME_SHIFT;

	if (!outcome_is_summed(s) && s->outcome < LOCKSPAN_OUTCOME_COUNT)
		lsp_estimate_add_block(&c->outcomes[s->outcome], lsp_span_lock_wait_ns(s),
				       s->rate_ns);
	if (s->rec.flags & LOCKSPAN_SPAN_JOIN)
		kind |= KIND_JOIN;
	if (s->rec.flags & LOCKSPAN_SPAN_SHARED)
		kind |= KIND_SHARED;
	if (op_is_pi(s->op))
		kind |= KIND_PI;
	return kind;
}

/*
 * Whether the wait is of the usual kind: woken by a thread, on a word of its own process without
 * priority inheritance.
 */
static inline bool span_is_plain(const struct lockspan_span *s)
{
	return s->outcome == LOCKSPAN_WOKEN && s->op <= LOCKSPAN_OP_WAIT_BITSET && s->wake_ns &&
	       !(s->rec.flags & (LOCKSPAN_SPAN_JOIN | LOCKSPAN_SPAN_SHARED));
}

static __attribute__((noinline))
struct lsp_sums *span_find(struct lsp_collector *c, const struct lockspan_span *s, uint32_t kind,
			   struct lsp_recent_slot *slot)
{
	struct lsp_recent_event e = {
		.stack = s->stack, .lock = s->uaddr, .key = s->key, .tgid = s->tgid, .tid = s->tid,
		.owner = s->tgid, .kind = kind,
	};

	memcpy(e.comm, s->comm, sizeof(e.comm));
	return pending_find(c, &e, slot);
}

static inline __attribute__((always_inline))
struct lsp_sums *span_sums(struct lsp_collector *c, const struct lockspan_span *s, uint32_t kind)
{
	struct lsp_recent_slot *slot = lsp_recent_at(&c->recent, s->stack, s->key, s->tid, kind);

	if (__builtin_expect(LSP_RECENT_IS(&c->recent, slot, s, s->tgid, kind), 1))
		return lsp_aggregate_sums(&c->pending, slot->at);
	return span_find(c, s, kind, slot);
}

static inline const struct lsp_aggregate_key *sums_key(const struct lsp_sums *sums)
{
	return &((const struct lsp_aggregate_row *)((const char *)sums - offsetof(struct lsp_aggregate_row, sums)))->key;
}

/* A note's share of what its row is known by. */
static struct lsp_note_row row_note(const struct lsp_sums *sums)
{
	const struct lsp_aggregate_key *key = sums_key(sums);

	return (struct lsp_note_row){ .stack = (uint32_t)key->stack, .comm = key->comm, .kind = key->kind };
}

/* Notes the event too. Where there is no more room it belongs to another row. */
static __attribute__((noinline))
struct lsp_sums *span_note(struct lsp_collector *c, const struct lockspan_span *s, uint32_t kind,
			   struct lsp_sums *sums)
{
	if (!lsp_notes_add_span(&c->notes, s, row_note(sums)))
		return sums;
	lsp_recent_clear(&c->recent);
	return span_find(c, s, kind, lsp_recent_at(&c->recent, s->stack, s->key, s->tid, kind));
}

static inline bool is_noted(const struct lsp_sums *sums)
{
	return sums && sums_key(sums)->kind & KIND_NOTED;
}

static __attribute__((noinline))
int span_add_any(struct lsp_collector *c, const struct lockspan_span *s)
{
	uint32_t kind = span_kind(c, s);
	struct lsp_sums *sums = span_sums(c, s, kind);

	if (is_noted(sums))
		sums = span_note(c, s, kind, sums);
	if (!sums)
		return -ENOMEM;
	if (lsp_span_is_contention(s) && lsp_span_lock_wait_ns(s) >= s->rate_ns)
		lsp_spreads_add(&c->spreads, sums->spread, lsp_span_lock_wait_ns(s));
	lsp_sums_add_span(sums, s);
	if (c->watched.n)
		lsp_watched_see(&c->watched, s, row_note(sums).stack);
	return 0;
}

static inline __attribute__((always_inline))
int span_record(struct lsp_collector *c, const struct lockspan_span *s)
{
	uint64_t wait_ns = lsp_elapsed_ns(s->enq_ns, s->wake_ns);
	struct lsp_sums *sums;

	time_see(c, s->run_ns);
	c->totals.spans++;
	if (__builtin_expect(c->events.on, 0))
		lsp_root_events_add_span(&c->events, s);
	if (__builtin_expect(c->spans != NULL, 0))
		lsp_spanfile_add_span(c->spans, s);
	if (__builtin_expect(!span_is_plain(s) || wait_ns < s->rate_ns, 0))
		return span_add_any(c, s);
	sums = span_sums(c, s, LSP_ROW_BLOCK | LOCKSPAN_WOKEN << KIND_OUTCOME_SHIFT);
	if (__builtin_expect(is_noted(sums), 0))
		sums = span_note(c, s, LSP_ROW_BLOCK | LOCKSPAN_WOKEN << KIND_OUTCOME_SHIFT, sums);
	if (__builtin_expect(!sums, 0))
		return -ENOMEM;
	lsp_spreads_add(&c->spreads, sums->spread, wait_ns);
	lsp_sums_add_certain_span(sums, s, wait_ns, lsp_elapsed_ns(s->wake_ns, s->run_ns));
	return 0;
}

static uint32_t release_kind(const struct lockspan_release *r)
{
	uint32_t kind = LSP_ROW_MUTEX;

	if (r->rec.flags & LOCKSPAN_RELEASE_JOIN)
		kind |= KIND_JOIN;
	if (r->rec.flags & LOCKSPAN_RELEASE_IRQ)
		kind |= KIND_INTERRUPT;
	if (r->rec.flags & LOCKSPAN_RELEASE_WORKER)
		kind |= KIND_WORKER;
	if (r->rec.flags & LOCKSPAN_RELEASE_PI || op_is_pi(r->op))
		kind |= KIND_PI;
	return kind;
}

static __attribute__((noinline))
struct lsp_sums *release_find(struct lsp_collector *c, const struct lockspan_release *r, uint32_t kind,
			      struct lsp_recent_slot *slot)
{
	struct lsp_recent_event e = {
		.stack = r->stack, .lock = r->uaddr, .key = r->key, .tgid = r->tgid, .tid = r->tid,
		.owner = r->waiter_tgid, .kind = kind,
	};

	memcpy(e.comm, r->comm, sizeof(e.comm));
	return pending_find(c, &e, slot);
}

static __attribute__((noinline))
struct lsp_sums *release_note(struct lsp_collector *c, const struct lockspan_release *r, uint32_t kind,
			      struct lsp_sums *sums)
{
	if (!lsp_notes_add_release(&c->notes, r, row_note(sums)))
		return sums;
	lsp_recent_clear(&c->recent);
	return release_find(c, r, kind, lsp_recent_at(&c->recent, r->stack, r->key, r->tid, kind));
}

static inline __attribute__((always_inline))
int release_record(struct lsp_collector *c, const struct lockspan_release *r)
{
	uint32_t kind = LSP_ROW_MUTEX;
	struct lsp_recent_slot *slot;
	struct lsp_sums *sums;

	time_see(c, r->time_ns);
	c->totals.releases++;
	if (__builtin_expect(c->spans != NULL, 0))
		lsp_spanfile_add_release(c->spans, r);
	if (__builtin_expect(r->rec.flags & ~LOCKSPAN_RELEASE_WHY || r->op > LOCKSPAN_OP_WAIT_BITSET, 0))
		kind = release_kind(r);
	c->why |= !!(r->rec.flags & LOCKSPAN_RELEASE_WHY);
	slot = lsp_recent_at(&c->recent, r->stack, r->key, r->tid, kind);
	if (__builtin_expect(LSP_RECENT_IS(&c->recent, slot, r, r->waiter_tgid, kind), 1))
		sums = lsp_aggregate_sums(&c->pending, slot->at);
	else
		sums = release_find(c, r, kind, slot);
	if (__builtin_expect(is_noted(sums), 0))
		sums = release_note(c, r, kind, sums);
	if (__builtin_expect(!sums, 0))
		return -ENOMEM;
	lsp_spreads_add(&c->holds, r->fraction == 1 ? sums->spread : LSP_SPREAD_NOBODY, r->hold_ns);
	lsp_sums_add_release(sums, r);
	if (c->events.on)
		lsp_root_events_add_release(&c->events, r, row_note(sums).stack, row_note(sums).kind);
	return 0;
}

/*
 * This row is among the releases, because what was given up is missing there. It has no stack and
 * no thread.
 */
static int given_up_record(struct lsp_collector *c, const struct lockspan_given_up *g)
{
	uint32_t kind = LSP_ROW_MUTEX | KIND_GIVEN_UP | (op_is_pi(g->op) ? KIND_PI : 0) |
			(g->rec.flags & LOCKSPAN_SPAN_SHARED ? KIND_SHARED : 0);
	struct lsp_recent_event e = {
		.lock = g->uaddr, .key = g->key, .tgid = g->tgid, .owner = g->tgid, .kind = kind,
	};
	struct lsp_sums *sums;

	time_see(c, g->time_ns);
	if (c->spans)
		lsp_spanfile_add_given_up(c->spans, g);
	sums = pending_find(c, &e, lsp_recent_at(&c->recent, 0, g->key, 0, kind));
	if (!sums)
		return -ENOMEM;
	lsp_sums_add_given_up(sums, g);
	return 0;
}

/* Remembers which snapshot was taken with a walk. */
static int pair_add(struct lsp_collector *c, const struct lockspan_stack *s)
{
	struct lsp_pair *pair;

	if (lsp_array_grow(&c->pairs, &c->pairs_room, c->npairs, sizeof(*c->pairs)))
		return -ENOMEM;
	pair = &c->pairs[c->npairs++];
	pair->tgid = s->tgid;
	pair->walked = s->id;
	memcpy(&pair->copied, (const uint8_t *)(s + 1) + s->payload_bytes - 8, 8);
	return 0;
}

/* The module copies or cuts each stack of this kind until it has been taught how to walk it. */
static int lesson_add(struct lsp_collector *c, const struct lockspan_stack *s)
{
	if (lsp_array_grow(&c->lessons, &c->lessons_room, c->nlessons, sizeof(*c->lessons)))
		return -ENOMEM;
	c->lessons[c->nlessons++] = (struct lsp_lesson){ .tgid = s->tgid, .id = s->id };
	c->lesson_due = true;
	return 0;
}

/*
 * If a lock has several names, it is uncertain which of them an event belongs to that does not
 * itself say so.
 */
static void generation_see(struct lsp_process *process, uint32_t generation)
{
	process->changed |= process->met && process->generation != generation;
	process->met = true;
	process->generation = generation;
}

static int stack_record(struct lsp_collector *c, const struct lockspan_stack *s)
{
	struct lsp_process *process = lsp_processes_at(&c->processes, s->tgid);

	if (!process)
		return -ENOMEM;
	generation_see(process, s->generation);
	if (s->mode == LOCKSPAN_STACK_SPARSE && (s->rec.flags & LOCKSPAN_STACK_FULL) && !process->full) {
		process->full = true;
		c->first_full = true;
	}
	/*
	 * If the module sends no mappings of a process, only /proc can tell them, while the process
	 * lives.
	 */
	if (c->live && !s->generation && !process->read_ns &&
	    !lsp_resolver_mapped(c->resolver, s->tgid, 0))
		lsp_process_read(process, c->resolver);
	if ((s->mode == LOCKSPAN_STACK_SPARSE ||
	     (s->mode == LOCKSPAN_STACK_WALK && s->rec.flags & LOCKSPAN_STACK_CUT)) &&
	    c->teach && s->generation && lesson_add(c, s))
		return -ENOMEM;
	if (s->mode == LOCKSPAN_STACK_WALK && s->rec.flags & LOCKSPAN_STACK_PAIRED &&
	    s->payload_bytes >= 8 && pair_add(c, s))
		return -ENOMEM;
	return lsp_stackset_put(&c->stacks, s);
}

static int map_record(struct lsp_collector *c, const struct lockspan_map *m)
{
	struct lsp_process *process = lsp_processes_at(&c->processes, m->tgid);

	if (!process)
		return -ENOMEM;
	generation_see(process, m->generation);
	if (m->rec.flags & LOCKSPAN_MAP_LAST) {
		/* Only now is it known whether stacks that fill the window are complete. */
		c->first_full |= process->full;
		c->lesson_due |= c->nlessons > 0;
	}
	c->totals.maps++;
	return lsp_resolver_map(c->resolver, m, (const char *)(m + 1));
}

static int remap_record(struct lsp_collector *c, const struct lockspan_remap *m)
{
	struct lsp_process *process = lsp_processes_at(&c->processes, m->map.tgid);

	if (!process)
		return -ENOMEM;
	generation_see(process, m->map.generation);
	c->first_full |= process->full;
	c->lesson_due |= c->nlessons > 0;
	c->totals.maps++;
	return lsp_resolver_remap(c->resolver, m, (const char *)(m + 1));
}

static void times_record(struct lsp_collector *c, const struct lockspan_times *t)
{
	const struct lockspan_why_part *part = (const void *)(t + 1);
	size_t n = (t->rec.bytes - sizeof(*t)) / sizeof(*part);

	for (size_t i = 0; i < n; i++)
		lsp_why_add_part(&c->times, part[i].what, part[i].ns);
}

/* Takes the records that are no single events. */
static __attribute__((noinline))
int seldom_record(struct lsp_collector *c, const struct lockspan_rec *rec)
{
	switch (rec->type) {
	case LOCKSPAN_REC_LATE:
		/* A late release moves a wait between outcomes that both count as contentions. */
		if (c->spans)
			lsp_spanfile_add_late(c->spans, (const void *)rec);
		break;
	case LOCKSPAN_REC_GIVEN_UP:
		return given_up_record(c, (const void *)rec);
	case LOCKSPAN_REC_TIMES:
		times_record(c, (const void *)rec);
		break;
	case LOCKSPAN_REC_STACK:
		return stack_record(c, (const void *)rec);
	case LOCKSPAN_REC_MAP:
		return map_record(c, (const void *)rec);
	case LOCKSPAN_REC_REMAP:
		return remap_record(c, (const void *)rec);
	case LSP_REC_LOCK:
		return lsp_births_add(&c->births, (const void *)rec);
	}
	return 0;
}

static inline __attribute__((always_inline))
int any_record(void *arg, const struct lockspan_rec *rec)
{
	struct lsp_collector *c = arg;
	int err;

	if (rec->type == LOCKSPAN_REC_SPAN)
		err = span_record(c, (const void *)rec);
	else if (rec->type == LOCKSPAN_REC_RELEASE)
		err = release_record(c, (const void *)rec);
	else
		err = seldom_record(c, rec);
	/* The recording goes on without the event, and the totals count it. */
	if (__builtin_expect(err, 0))
		c->totals.unrecorded++;
	return 0;
}

int lsp_collector_feed(struct lsp_collector *c, uint32_t cpu, uint64_t seq, const void *run,
		       size_t bytes)
{
	int err = lsp_streams_feed(&c->streams, cpu, seq, run, bytes, any_record, c);

	if (c->lesson_due) {
		lsp_collector_teach(c);
		c->name_due = true;
	}
	if (lsp_collector_fold_due(c)) {
		lsp_collector_fold(c, c->stacks.raw_bytes >= WAITING_BYTES);
	} else if (c->name_due && c->now_ns >= c->name_ns + NAME_EVERY_NS) {
		c->name_ns = c->now_ns;
		c->name_due = false;
		lsp_collector_fold(c, false);
	}
	return err;
}

int lsp_collector_tick(struct lsp_collector *c)
{
	return lsp_collector_fold(c, false);
}

int lsp_collector_finish(struct lsp_collector *c)
{
	int err;

	lsp_collector_pairs_compare(c);
	lsp_collector_births_name(c);
	err = lsp_collector_fold(c, true);
	return err ? err : lsp_collector_roles_find(c);
}

int lsp_collector_births(const struct lsp_collector *c,
			 int (*fn)(void *arg, uint32_t tgid, uint64_t uaddr, uint32_t bytes, const char *name),
			 void *arg)
{
	int err = 0;

	for (size_t i = 0; i < c->births.n && !err; i++) {
		const struct lsp_birth *b = &c->births.births[i];

		if (b->name)
			err = fn(arg, b->tgid, b->uaddr, b->object_bytes, b->name);
	}
	return err;
}

int lsp_collector_watch(struct lsp_collector *c, uint32_t tgid, uint32_t tid, uint64_t uaddr)
{
	return lsp_watched_add(&c->watched, tgid, tid, uaddr);
}

int lsp_collector_birth_add(struct lsp_collector *c, uint32_t tgid, uint64_t uaddr, uint32_t bytes,
			    const char *name)
{
	return lsp_births_add_named(&c->births, &(struct lsp_birth){
		.tgid = tgid, .uaddr = uaddr, .object_bytes = bytes, .name = name });
}

size_t lsp_collector_deep(struct lsp_collector *c, uint32_t *tgids, size_t max)
{
	size_t n = 0;

	if (!c->deep_due)
		return 0;
	for (size_t i = 0; i < c->processes.n && n < max; i++) {
		struct lsp_process *p = &c->processes.processes[i];

		if (p->deep && !p->deep_asked) {
			p->deep_asked = true;
			tgids[n++] = p->tgid;
		}
	}
	c->deep_due = n == max;
	return n;
}

size_t lsp_collector_stacks_missing(struct lsp_collector *c, uint64_t now_ns, uint64_t *ids, size_t max)
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
