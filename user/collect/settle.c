// SPDX-License-Identifier: GPL-2.0-only
/* When a recording is over: what each key is used for, and whose blame its hold is. */
#include "settle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "roles/holds.h"
#include "roles/parked.h"
#include "root_rows.h"
#include "state.h"
#include "undecided.h"

_Static_assert(LSP_NOTE_KIND_MASK == KIND_MASK && LSP_NOTE_RELEASE == LSP_ROW_MUTEX && LSP_ROW_BLOCK == 0 &&
	       LSP_NOTE_OUTCOME_SHIFT == KIND_OUTCOME_SHIFT && LSP_NOTE_OUTCOME_MASK == KIND_OUTCOME_MASK,
	       "two words for one thing");

/* All that is needed while roles are found. */
struct work {
	struct lsp_collector *c;
	struct lsp_wait *waits;
	size_t n;
	struct lsp_intern sites;
	struct lsp_parked parked;
	uint32_t *virtual_of;	/* by note: the wait among those on parked words; LSP_INDEX_NONE: none */
	struct lsp_aggregate out;
};

/* ---- sites ---- */

static uint32_t note_trace(const struct lsp_collector *c, uint32_t note)
{
	uint32_t trace = c->stacks.stacks[c->notes.notes[note].stack].trace;

	return trace == LSP_INDEX_NONE ? LSP_TRACE_NONE : trace;
}

static int note_site(struct work *k, uint32_t note, uint32_t *ret)
{
	const char *site = lsp_trace_site(lsp_collector_trace(k->c, note_trace(k->c, note)));
	int64_t id;

	*ret = LSP_INDEX_NONE;
	if (!site)
		return 0;
	id = lsp_intern_add(&k->sites, site, strlen(site));
	if (id < 0)
		return (int)id;
	*ret = (uint32_t)id;
	return 0;
}

static enum lsp_sync note_class(const struct lsp_collector *c, uint32_t note)
{
	return lsp_collector_own_class(c, c->notes.notes[note].kind, note_trace(c, note));
}

/*
 * Who was told of a condition may sleep on until the lock is free, on the same word. The unlock that ends the wait
 * does not show that it was one for the lock.
 */
static bool is_condition(const struct lsp_collector *c, const struct lsp_wait *w)
{
	return note_class(c, w->span) == LSP_SYNC_COND && lsp_sync_is_lock(note_class(c, w->release));
}

static int sites_find(struct work *k)
{
	int err = 0;

	for (size_t i = 0; !err && i < k->n; i++) {
		struct lsp_wait *w = &k->waits[i];

		err = note_site(k, w->span, &w->site);
		if (!err && w->release != LSP_INDEX_NONE && !is_condition(k->c, w))
			err = note_site(k, w->release, &w->by_site);
	}
	return err;
}

/* ---- words ---- */

/* Virtual keys stand for locks alone. What is no lock keeps its words and their names. */
static void words_keep(struct work *k)
{
	for (size_t i = 0; i < k->parked.n; i++) {
		const struct lsp_wait *w = &k->parked.waits[i];
		uint32_t set = k->parked.virtuals[w->group].set;

		k->parked.sets[set].classes[lsp_collector_trace(k->c, note_trace(k->c, w->span))->sync]++;
	}
	for (size_t i = 0; i < k->parked.nwords; i++)
		k->parked.words[i].joined = false;
	for (size_t i = 0; i < k->parked.n; i++) {
		const struct lsp_wait *w = &k->parked.waits[i];
		const struct lsp_virtual_set *set = &k->parked.sets[k->parked.virtuals[w->group].set];

		if (set->joined && lsp_evidence_parked_role(&set->evidence, lsp_sync_most(set->classes)) == LSP_ROLE_LOCK)
			lsp_parked_word(&k->parked, w->key)->joined = true;
	}
}

static uint32_t lock_name(const struct lsp_lock *lock)
{
	return lock->name != LSP_INDEX_NONE ? lock->name : lock->bare;
}

static void word_role(struct work *k, const struct lsp_word *word, struct lsp_key_role *r)
{
	const struct lsp_lock *lock = lsp_locks_find(&k->c->locks, word->key);

	r->key = word->key;
	r->sync = lock ? lsp_lock_class(lock) : LSP_SYNC_OTHER;
	r->name = lock ? lock_name(lock) : LSP_INDEX_NONE;
	r->role = lsp_evidence_role(&r->evidence, r->sync);
	r->replaced = word->joined;
	if (!k->c->notes.sampled)
		return;
	/* What was left out may be just what would have told. */
	if (word->joined)
		r->doubt = LSP_DOUBT_SAMPLED;
	else if (!lsp_sync_is_lock(r->sync) && r->sync != LSP_SYNC_JOIN) {
		r->role = LSP_ROLE_UNKNOWN;
		r->doubt = LSP_DOUBT_SAMPLED;
	}
	r->replaced = false;
}

static int words_role(struct work *k)
{
	struct lsp_evidence *all = calloc(k->parked.nwords + 1, sizeof(*all));
	struct lsp_roles *roles = &k->c->roles;
	int err = all ? lsp_evidence_add(k->waits, k->n, all) : -ENOMEM;

	for (size_t i = 0; !err && i < k->parked.nwords; i++) {
		roles->keys[i].evidence = all[i];
		word_role(k, &k->parked.words[i], &roles->keys[i]);
	}
	roles->nwords = roles->n = err ? 0 : k->parked.nwords;
	free(all);
	return err;
}

/* A variable of the program's: what it is for is told by itself, and no thread has it for its own. */
static bool is_variable(const struct lsp_lock *lock)
{
	return lock->name != LSP_INDEX_NONE && lock->name != lock->bare;
}

static int words_find(struct work *k)
{
	int err = lsp_parked_words(&k->parked, k->waits, k->n);

	for (size_t i = 0; !err && i < k->parked.nwords; i++) {
		const struct lsp_lock *lock = lsp_locks_find(&k->c->locks, k->parked.words[i].key);

		k->parked.words[i].lock = !lock || lock->native || lock->not_own || is_variable(lock);
	}
	return err ? err : lsp_parked_find(&k->parked, k->waits, k->n, k->sites.count);
}

/* ---- virtual keys ---- */

static int virtual_name(struct work *k, const struct lsp_virtual *v, bool weak, uint32_t *ret)
{
	const struct lsp_virtual_set *set = &k->parked.sets[v->set];
	const char *site = set->site < k->sites.count ? lsp_intern_get(&k->sites, set->site, NULL) : "?";
	size_t bytes = strlen(site) + 64;
	char *name = malloc(bytes);
	int err = -ENOMEM;

	if (name) {
		snprintf(name, bytes, "parked@%s#%u%s", site, v->number, weak ? " [unsure]" : "");
		err = lsp_locks_name(&k->c->locks, name, ret);
	}
	free(name);
	return err;
}

/* Virtual keys come behind the words, in their own order. */
static int virtuals_role(struct work *k)
{
	struct lsp_roles *roles = &k->c->roles;
	int err = 0;

	for (uint32_t i = 0; !err && i < k->parked.nvirtuals; i++) {
		const struct lsp_virtual *v = &k->parked.virtuals[i];
		const struct lsp_virtual_set *set = &k->parked.sets[v->set];
		struct lsp_key_role *r = &roles->keys[roles->n++];
		bool weak = lsp_evidence_is_weak(&v->evidence, &set->evidence);

		r->key = v->key;
		r->virtual = true;
		/* A word that stays what it was has no virtual key of its own. */
		r->replaced = !lsp_parked_word(&k->parked, v->key)->joined;
		r->sync = lsp_sync_most(set->classes);
		r->role = lsp_evidence_parked_role(&set->evidence, r->sync);
		r->evidence = v->evidence;
		r->doubt = r->role == LSP_ROLE_LOCK && weak ? LSP_DOUBT_WEAK : LSP_DOUBT_NONE;
		if (!r->replaced)
			err = virtual_name(k, v, r->doubt, &r->name);
	}
	return err;
}

/* ---- rows ---- */

static int sums_add(struct work *k, const struct lsp_aggregate_key *key, const struct lsp_sums *from)
{
	struct lsp_sums *sums = lsp_aggregate_at(&k->out, key);

	if (!sums)
		return -ENOMEM;
	lsp_sums_merge(sums, from);
	return 0;
}

/* What a word's ledger said is taken back (@sign -1), and what a virtual key's says is counted (1). */
static void moved_add(struct work *k, uint32_t kind, const struct lsp_sums *sums, int sign)
{
	struct lsp_collector_totals *t = &k->c->totals;

	t->redivided = true;
	if (kind & KIND_GIVEN_UP) {
		t->moved_given_up_ns += sign * (int64_t)sums->estimate.delay_ns;
		return;
	}
	t->moved_handoff_ns += sign * (int64_t)sums->handoff_ns;
	if ((kind & KIND_MASK) == LSP_ROW_MUTEX)
		t->moved_hold_ns += sign * (int64_t)sums->estimate.delay_ns;
}

static int rows_take(struct work *k)
{
	int err = 0;

	for (size_t i = 0; !err && i < k->c->resolved.n; i++) {
		const struct lsp_aggregate_row *row = &k->c->resolved.rows[i];
		struct lsp_aggregate_key key = row->key;
		bool gone = key.kind & (KIND_NOTED | KIND_GIVEN_UP);
		const struct lsp_key_role *r = gone ? lsp_roles_word(&k->c->roles, key.key) : NULL;

		/* What the word's waits gave up is for the virtual keys' ledgers to say. */
		if (r && r->replaced) {
			moved_add(k, key.kind, &row->sums, -1);
			continue;
		}
		lsp_collector_row_role(k->c, &key);
		err = sums_add(k, &key, &row->sums);
		lsp_collector_row_wait_add(k->c, &key, &row->sums);
	}
	return err;
}

static void span_sums(const struct lsp_note *n, const struct lsp_wait *w, struct lsp_sums *sums)
{
	/* A release that is missing leaves what it would be charged with to nobody. */
	uint64_t lost_ns = w->release == LSP_INDEX_NONE ? w->hold_ns + w->closed_ns : 0;
	struct lockspan_span s = {
		.rec.flags = n->flags, .enq_ns = w->enq_ns, .wake_ns = n->wake_ns ? w->wake_ns : 0,
		.run_ns = w->run_ns, .tail_ns = w->tail_ns + lost_ns, .handoff_ns = w->handoff_ns, .rate_ns = 1,
		.depth = n->depth, .outcome = (uint8_t)(n->kind >> KIND_OUTCOME_SHIFT & KIND_OUTCOME_MASK),
	};

	lsp_sums_add_span(sums, &s);
}

static void release_sums(const struct lsp_note *n, const struct lsp_wait *w, struct lsp_sums *sums)
{
	struct lockspan_release r = {
		.hold_ns = n->hold_ns, .handoff_ns = n->handoff_ns, .fraction = 1,
		.rec = { .bytes = sizeof(r), .flags = n->flags & (uint16_t)~LOCKSPAN_RELEASE_WHY }, .waiters = n->depth,
	};

	if (w) {
		r.hold_ns = w->hold_ns;
		r.carried_ns = w->carried_ns;
		r.handoff_ns = w->closed_ns;
		r.waiters = (uint16_t)w->left;
	} else if (!(n->flags & LOCKSPAN_RELEASE_LATE)) {
		r.waiters--;
	}
	lsp_sums_add_release(sums, &r);
}

/* How long a wait for a virtual key was. */
static int spread_add(struct lsp_spreads *s, uint32_t name, uint64_t ns)
{
	uint32_t spread = lsp_spreads_of_name(s, name);

	lsp_spreads_add(s, spread, ns);
	return lsp_spreads_name(s, spread, name);
}

/* The row of an event on a word that is replaced: its virtual key's. */
static const struct lsp_key_role *note_row(struct work *k, uint32_t place, const struct lsp_wait *w,
					   struct lsp_aggregate_key *key)
{
	const struct lsp_note *n = &k->c->notes.notes[place];
	const struct lsp_key_role *r = lsp_roles_word(&k->c->roles, n->key);
	uint32_t trace = note_trace(k->c, place);
	bool release = (n->kind & KIND_MASK) == LSP_ROW_MUTEX;
	enum lsp_sync sync = lsp_collector_own_class(k->c, n->kind, trace);
	uint32_t bits = lsp_collector_role_bits(LSP_ROLE_UNKNOWN, LSP_DOUBT_WEAK);

	if (!r || !r->replaced)
		return NULL;
	if (w) {
		r = &k->c->roles.keys[k->c->roles.nwords + w->group];
		bits = lsp_collector_role_bits(r->role, r->doubt);
	}
	*key = (struct lsp_aggregate_key){
		.stack = trace, .tgid = n->tgid, .comm = n->comm, .lock = r->name,
		.kind = (n->kind & (KIND_MASK | KIND_INTERRUPT | KIND_WORKER)) | bits |
			(uint32_t)(release && sync == LSP_SYNC_OTHER ? r->sync : sync) << KIND_SYNC_SHIFT,
	};
	return r;
}

/* An event on a word that is replaced comes to its virtual key. */
static int note_take(struct work *k, uint32_t place)
{
	const struct lsp_note *n = &k->c->notes.notes[place];
	const struct lsp_wait *w = k->virtual_of[place] == LSP_INDEX_NONE ? NULL :
				   &k->parked.waits[k->virtual_of[place]];
	bool release = (n->kind & KIND_MASK) == LSP_ROW_MUTEX;
	struct lsp_aggregate_key key;
	const struct lsp_key_role *r = note_row(k, place, w, &key);
	struct lsp_sums sums = { 0 };
	int err;

	if (!r)
		return 0;
	if (release)
		release_sums(n, w, &sums);
	else
		span_sums(n, w, &sums);
	lsp_sums_settle(&sums);
	moved_add(k, key.kind, &sums, 1);
	err = sums_add(k, &key, &sums);
	lsp_collector_row_wait_add(k->c, &key, &sums);
	if (!err && sums.estimate.kept)
		err = spread_add(release ? &k->c->holds : &k->c->spreads, r->name, (uint64_t)sums.estimate.delay_ns);
	if (!err && release && w && r->role == LSP_ROLE_LOCK && !r->doubt)
		err = lsp_collector_blame_add(k->c, n->tgid, n->tid, n->comm, &sums.estimate);
	return err;
}

/* What the releaser of a wait for a virtual key did. */
static int parts_take(void *arg, uint32_t wait, const struct lockspan_why_part *parts, size_t n)
{
	struct work *k = arg;
	const struct lsp_wait *w = &k->parked.waits[wait];
	struct lsp_aggregate_key key;
	struct lsp_sums *sums;

	if (!note_row(k, w->release, w, &key))
		return 0;
	lsp_collector_roots_parts(k->c, w, parts, n);
	sums = lsp_aggregate_at(&k->out, &key);
	if (!sums)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		lsp_why_add_part(&sums->why, parts[i].what, parts[i].ns);
	return 0;
}

/* What the waits for a virtual key gave up. */
static int given_take(struct work *k, uint32_t place)
{
	const struct lsp_virtual *v = &k->parked.virtuals[place];
	const struct lsp_key_role *r = &k->c->roles.keys[k->c->roles.nwords + place];
	const struct lsp_note *n = &k->c->notes.notes[k->parked.waits[v->first].span];
	struct lsp_aggregate_key key = {
		.stack = LSP_TRACE_NONE, .tgid = n->tgid, .comm = n->comm, .lock = r->name,
		.kind = LSP_ROW_MUTEX | KIND_GIVEN_UP | lsp_collector_role_bits(r->role, r->doubt) |
			(uint32_t)r->sync << KIND_SYNC_SHIFT,
	};
	struct lsp_sums sums = { 0 };

	if (r->replaced || !v->given.waits)
		return 0;
	lsp_sums_add_given_up(&sums, &(struct lockspan_given_up){
		.wait_ns = v->given.wait_ns, .waits = v->given.waits });
	lsp_sums_settle(&sums);
	moved_add(k, key.kind, &sums, 1);
	return sums_add(k, &key, &sums);
}

/* The blame of threads for keys whose role was not known when their rows were folded. */
static int threads_take(struct work *k)
{
	int err = 0;

	for (size_t i = 0; !err && i < k->c->undecided.n; i++) {
		const struct lsp_aggregate_row *row = &k->c->undecided.rows[i];
		const struct lsp_key_role *r = lsp_roles_word(&k->c->roles, row->key.key);
		bool lock = lsp_sync_is_lock((enum lsp_sync)row->key.kind);

		if (r && (r->role != LSP_ROLE_LOCK || r->doubt || r->replaced))
			continue;
		if (lock || (r && !lsp_sync_is_lock(r->sync)))
			err = lsp_collector_blame_add(k->c, row->key.tgid, row->key.tid, row->key.comm,
						      &row->sums.estimate);
	}
	return err;
}

static int key_spreads_drop(struct lsp_collector *c, uint64_t key)
{
	int err = lsp_spreads_drop(&c->spreads, key);

	return err ? err : lsp_spreads_drop(&c->holds, key);
}

static int rows_rebuild(struct work *k)
{
	int err = 0;

	for (size_t i = 0; i < k->c->locks.names.count; i++)
		k->c->locks.name_wait_ns[i] = 0;
	for (size_t i = 0; !err && i < k->c->roles.nwords; i++)
		if (k->c->roles.keys[i].replaced)
			err = key_spreads_drop(k->c, k->c->roles.keys[i].key);
	if (!err)
		err = rows_take(k);
	for (uint32_t i = 0; !err && i < k->c->notes.n; i++)
		err = note_take(k, i);
	if (!err)
		err = lsp_collector_roots_begin(k->c);
	for (uint32_t i = 0; !err && k->c->events.on && !k->c->notes.sampled && i < k->parked.n; i++)
		lsp_collector_roots_virtual(k->c, &k->parked.waits[i]);
	if (!err && !k->c->notes.sampled)
		err = lsp_holds_divide(&k->parked, &k->c->notes, parts_take, k);
	for (uint32_t i = 0; !err && !k->c->notes.sampled && i < k->parked.nvirtuals; i++)
		err = given_take(k, i);
	if (!err)
		err = threads_take(k);
	if (err)
		return err;
	lsp_aggregate_uninit(&k->c->resolved);
	k->c->resolved = k->out;
	memset(&k->out, 0, sizeof(k->out));
	return lsp_collector_roots_find(k->c);
}

/* ---- all of it ---- */

static int virtual_of_find(struct work *k)
{
	size_t n = k->c->notes.n;

	k->virtual_of = malloc((n + 1) * sizeof(*k->virtual_of));
	if (!k->virtual_of)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		k->virtual_of[i] = LSP_INDEX_NONE;
	for (uint32_t i = 0; i < k->parked.n; i++) {
		k->virtual_of[k->parked.waits[i].span] = i;
		if (k->parked.waits[i].release != LSP_INDEX_NONE)
			k->virtual_of[k->parked.waits[i].release] = i;
	}
	return 0;
}

static int roles_find(struct work *k)
{
	struct lsp_roles *roles = &k->c->roles;
	int err = lsp_notes_waits(&k->c->notes, &k->waits, &k->n);

	if (!err)
		err = sites_find(k);
	if (!err)
		err = words_find(k);
	if (err)
		return err;
	roles->keys = calloc(k->parked.nwords + k->parked.nvirtuals + 1, sizeof(*roles->keys));
	if (!roles->keys)
		return -ENOMEM;
	words_keep(k);
	err = words_role(k);
	if (!err && !k->c->notes.sampled)
		err = virtuals_role(k);
	if (!err)
		err = virtual_of_find(k);
	return err ? err : rows_rebuild(k);
}

int lsp_collector_roles_find(struct lsp_collector *c)
{
	struct work k = { .c = c };
	int err;

	if (c->steady || c->roles.found)
		return 0;
	err = roles_find(&k);
	c->roles.found = !err;
	lsp_aggregate_uninit(&k.out);
	free(k.virtual_of);
	lsp_parked_uninit(&k.parked);
	lsp_intern_uninit(&k.sites);
	free(k.waits);
	lsp_notes_uninit(&c->notes);
	lsp_root_events_uninit(&c->events);
	return err;
}
