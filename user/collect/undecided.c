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
		lock->deep |= row->sums.depth > row->sums.estimate.count || row->key.stack == LSP_STACK_NOT_TAKEN;
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
	       !((lock->native || lock->deep) && lock->noted >= NOTED_ENOUGH);
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
