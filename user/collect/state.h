/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a collector, which the sources of this folder share: collector.c takes records in, fold.c resolves the
 * sums, settle.c finds the roles, reading.c answers. docs/architecture.md explains the words fold, lesson, birth,
 * deep and steady.
 */
#ifndef LSP_COLLECT_STATE_H
#define LSP_COLLECT_STATE_H

#include "../capture/spanfile.h"
#include "../capture/stackset.h"
#include "../capture/stream.h"
#include "../resolve/resolve.h"
#include "births.h"
#include "locks.h"
#include "roles/notes.h"
#include "processes.h"
#include "recent.h"
#include "roles/roles.h"
#include "roots/sums.h"
#include "roots/watched.h"
#include "rows.h"
#include "spreads.h"
#include "threads.h"
#include "traces.h"

/* Parts of a key's kind: enum lsp_row_kind, then what the record itself says of the class. */
#define KIND_MASK 0x3U
#define KIND_JOIN (1U << 2)
#define KIND_PI (1U << 3)
#define KIND_INTERRUPT (1U << 4)
#define KIND_SHARED (1U << 5)	/* not private to the process */
#define KIND_WORKER (1U << 6)	/* by a thread of the kernel's that has no stack */
#define KIND_GIVEN_UP (1U << 7)	/* not a release: waits that none will answer for */
#define KIND_SYNC_SHIFT 8	/* in resolved rows: enum lsp_sync */
#define KIND_SYNC_MASK 0xffU
#define KIND_OUTCOME_SHIFT 16	/* in pending rows of spans: enum lockspan_outcome */
#define KIND_OUTCOME_MASK 0xffU
#define KIND_NOTED (1U << 24)	/* each of its events is among the notes too */
#define KIND_ROLE_SHIFT 25	/* in resolved rows, once roles are found: enum lsp_role */
#define KIND_ROLE_MASK 0x7U
#define KIND_DOUBT_SHIFT 28	/* and enum lsp_doubt */
#define KIND_DOUBT_MASK 0x3U

/* A stack that was copied, and whose rules the module is to be taught. */
struct lsp_lesson {
	uint32_t tgid;
	uint64_t id;
};

/* The two names of one stack that was taken in both ways (LOCKSPAN_F_BOTH): as a walk and as a snapshot. */
struct lsp_pair {
	uint32_t tgid;
	uint64_t walked;
	uint64_t copied;
};

struct lsp_collector {
	struct lsp_resolver *resolver;
	struct lsp_spanfile_writer *spans;
	bool live;
	bool steady;
	bool late_names;
	bool keep_stacks;
	bool why;			/* a release has said what its holder did */
	struct lsp_why *times;		/* what all threads did; NULL: not known */

	struct lsp_streams streams;
	struct lsp_stackset stacks;
	struct lsp_processes processes;
	struct lsp_traces traces;
	struct lsp_locks locks;
	struct lsp_births births;
	struct lsp_spreads spreads;	/* of waits */
	struct lsp_spreads holds;	/* of releases: hold charges */
	struct lsp_threads threads;
	struct lsp_intern comms;

	struct lsp_aggregate pending;	/* stack: place in stacks; lock: address */
	struct lsp_recent recent;	/* rows of pending */
	struct lsp_notes notes;		/* events of keys whose role is not known */
	struct lsp_roles roles;
	struct lsp_root_events events;	/* all events, for the roots of blame */
	uint32_t root_words;		/* groups of theirs that are words; virtual keys follow */
	struct lsp_root_sums roots;
	struct lsp_watched watched;
	struct lsp_aggregate undecided;	/* releases by key and thread, of keys that may be no locks; kind: their class */
	struct lsp_aggregate resolved;	/* stack: place in traces; lock: place of a name */

	bool first_full;		/* a process has stacks that fill the window; a fold tells whether they are whole */
	bool deep_due;			/* a process is deep, and the module does not know it yet */
	void (*teach)(void *arg, uint32_t generation, const struct lockspan_rule *rules, size_t n);
	void *teach_arg;
	struct lsp_lesson *lessons;
	size_t nlessons;
	size_t lessons_room;
	bool lesson_due;		/* a stack or its mappings have come since the last lesson */
	bool name_due;			/* stacks have arrived since the last fold */
	uint64_t name_ns;		/* time of the last fold that was made to resolve new stacks */
	struct lsp_pair *pairs;
	size_t npairs;
	size_t pairs_room;

	size_t fold_rows;		/* pending rows that the last fold left */
	size_t fold_notes;		/* notes that there were at the last fold */
	size_t fold_bytes;		/* bytes of stacks that the last fold left */

	struct lsp_collector_totals totals;
	struct lsp_estimate outcomes[LOCKSPAN_OUTCOME_COUNT];
	uint64_t now_ns;		/* latest time seen in a record */
};

static inline const struct lsp_trace *lsp_collector_trace(const struct lsp_collector *c,
							  uint32_t place)
{
	return &c->traces.entries[place].trace;
}

#endif
