// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is kept until the end of a recording because it is not known yet what a
 * key is used for: its events one by one, its rows by its key, its releases by thread.
 */
#include "undecided.h"

#include <errno.h>

/* Locks whose rows are kept by their keys until it is known what they are used for. */
#define LOCKS_TRACKED 65536
/* Events that tell what a key is used for, where it can be no thread's. */
#define NOTED_ENOUGH 1024
/* Threads and keys whose blame is kept apart until then. */
#define UNDECIDED_MAX 65536

void lsp_collector_lock_learn(const struct lsp_collector *c, struct lsp_lock *lock,
			      const struct lsp_aggregate_row *row, uint32_t trace)
{
	const struct lsp_trace *t = lsp_collector_trace(c, trace);

	lock->native |= row->key.kind & KIND_PI || (t->native && lsp_sync_is_lock(t->sync));
	/* Where no stacks are taken no site can tell which of the threads' words are one lock. */
	if ((row->key.kind & KIND_MASK) != LSP_ROW_MUTEX)
		lock->not_own |= row->sums.depth > row->sums.estimate.count || row->key.stack == LSP_STACK_NOT_TAKEN;
	if (row->key.kind & KIND_NOTED) {
		lock->tracked = true;
		lock->noted += (uint32_t)row->sums.estimate.kept;
	}
}

bool lsp_collector_notes(const struct lsp_collector *c, uint64_t key)
{
	const struct lsp_lock *lock;

	if (c->steady || c->notes.full)
		return false;
	lock = lsp_locks_find(&c->locks, key);
	if (!lock)
		return c->locks.n < LOCKS_TRACKED;
	return (lock->tracked || c->locks.n < LOCKS_TRACKED) &&
	       !((lock->native || lock->not_own) && lock->noted >= NOTED_ENOUGH);
}

bool lsp_collector_row_is_open(const struct lsp_collector *c, const struct lsp_aggregate_key *key)
{
	enum lsp_sync sync = (enum lsp_sync)(key->kind >> KIND_SYNC_SHIFT & KIND_SYNC_MASK);
	const struct lsp_lock *lock;

	if ((key->kind & KIND_MASK) != LSP_ROW_MUTEX || lsp_sync_is_lock(sync))
		return false;
	if (sync == LSP_SYNC_OTHER)
		return true;
	lock = lsp_locks_find(&c->locks, key->key);
	return lock && lock->tracked;
}

int lsp_collector_blame_add(struct lsp_collector *c, uint32_t tgid, uint32_t tid, uint32_t comm,
			    const struct lsp_estimate *e)
{
	struct lsp_thread *t = lsp_threads_at(&c->threads, tgid, tid);

	if (!t)
		return -ENOMEM;
	t->comm = comm;
	t->releases += e->count;
	t->blamed_ns += e->delay_ns;
	return 0;
}

int lsp_collector_undecided_add(struct lsp_collector *c, const struct lsp_aggregate_row *row, enum lsp_sync sync)
{
	struct lsp_aggregate_key key = {
		.key = row->key.key, .tgid = row->key.tgid, .tid = row->key.tid, .comm = row->key.comm,
		.kind = (uint32_t)sync,
	};
	struct lsp_sums *sums = c->undecided.n < UNDECIDED_MAX ? lsp_aggregate_at(&c->undecided, &key) : NULL;

	if (sums)
		lsp_sums_merge(sums, &row->sums);
	else
		c->totals.threads_undecided += row->sums.estimate.kept;
	return 0;
}

void lsp_collector_row_role(const struct lsp_collector *c, struct lsp_aggregate_key *key)
{
	enum lsp_sync sync = (enum lsp_sync)(key->kind >> KIND_SYNC_SHIFT & KIND_SYNC_MASK);
	const struct lsp_key_role *r = key->key ? lsp_roles_word(&c->roles, key->key) : NULL;
	const struct lsp_lock *lock = key->key ? lsp_locks_find(&c->locks, key->key) : NULL;
	enum lsp_role role;
	enum lsp_doubt doubt = LSP_DOUBT_NONE;

	if (sync == LSP_SYNC_OTHER && (key->kind & KIND_MASK) == LSP_ROW_MUTEX && lock)
		sync = lsp_lock_class(lock);
	role = lsp_sync_is_lock(sync) ? LSP_ROLE_LOCK : sync == LSP_SYNC_JOIN ? LSP_ROLE_JOIN : LSP_ROLE_UNKNOWN;
	if (r && r->replaced) {
		/* Its other events have gone to virtual keys, which these can not be told from. */
		role = LSP_ROLE_UNKNOWN;
		doubt = LSP_DOUBT_CROWDED;
	} else if (role == LSP_ROLE_LOCK && r && lock && !lock->native && r->sync == LSP_SYNC_COND) {
		/* An unlock that wakes who waits for a condition on a word of its own. */
		role = r->role;
		doubt = r->doubt;
	} else if (role == LSP_ROLE_UNKNOWN && r && lsp_sync_is_lock(r->sync)) {
		/* It releases something else on a lock's word: the end of a wait that has moved there. */
		role = LSP_ROLE_SIGNAL;
	} else if (r && (role == LSP_ROLE_UNKNOWN || r->doubt)) {
		role = r->role;
		doubt = r->doubt;
	} else if (role == LSP_ROLE_UNKNOWN && c->notes.full && !r) {
		doubt = LSP_DOUBT_CROWDED;
	}
	key->kind &= KIND_MASK | KIND_INTERRUPT | KIND_WORKER | KIND_GIVEN_UP;
	key->kind |= (uint32_t)sync << KIND_SYNC_SHIFT | lsp_collector_role_bits(role, doubt);
	key->key = 0;
}
