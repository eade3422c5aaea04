/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept until it is known what a key is used for. Decides whether an event is kept as a note, and keeps rows
 * and blame apart until then.
 */
#ifndef LSP_COLLECT_UNDECIDED_H
#define LSP_COLLECT_UNDECIDED_H

#include "state.h"

/* Whether events of the key are to be noted one by one. */
bool lsp_collector_notes(const struct lsp_collector *c, uint64_t key);

/* Whether its word is the lock itself is told by the class and the number of its waits. */
void lsp_collector_lock_learn(const struct lsp_collector *c, struct lsp_lock *lock,
			      const struct lsp_aggregate_row *row, uint32_t trace);

/*
 * Whether a row's role is not known yet, so that it is kept by its key: a releaser that does not say what
 * it releases is classed by the lock, when rows are read, and one that says it is no lock's may release one.
 */
bool lsp_collector_row_is_open(const struct lsp_collector *c, const struct lsp_aggregate_key *key);

/* Releases of a pending row, whose thread is blamed for them if the key turns out to be a lock. */
int lsp_collector_undecided_add(struct lsp_collector *c, const struct lsp_aggregate_row *row, enum lsp_sync sync);

/* Releases that a thread is blamed for. */
int lsp_collector_blame_add(struct lsp_collector *c, uint32_t tgid, uint32_t tid, uint32_t comm,
			    const struct lsp_estimate *e);

/* A role as a resolved row's kind has it. */
static inline uint32_t lsp_collector_role_bits(enum lsp_role role, enum lsp_doubt doubt)
{
	return (uint32_t)role << KIND_ROLE_SHIFT | (uint32_t)doubt << KIND_DOUBT_SHIFT;
}

/*
 * Sets the role in a resolved row's kind, by a release's own class, its key's role, or what most waits on the key are of.
 * The row's key goes, for rows of one lock need not be kept apart any more.
 */
void lsp_collector_row_role(const struct lsp_collector *c, struct lsp_aggregate_key *key);

#endif
