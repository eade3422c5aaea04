/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types of the rows of a recording, from which profiles are made, and of its counts. Both come
 * from its records. Also: whether somebody is blamed for a row.
 */
#ifndef LSP_COLLECT_ROWS_H
#define LSP_COLLECT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/span.h"
#include "../resolve/trace.h"
#include "aggregate.h"
#include "roles/evidence.h"
#include "roles/roles.h"


enum lsp_row_kind {
	LSP_ROW_BLOCK,		/* waits, by the waiter's stack */
	LSP_ROW_MUTEX,		/* releases, by the releaser's */
	LSP_ROW_OPEN,		/* waits that had not ended at STOP */
};

/* Events of one kind with the same stack, process, lock and thread name. */
struct lsp_row {
	enum lsp_row_kind kind;
	const struct lsp_trace *trace;	/* never NULL */
	const char *lock;
	const char *comm;
	enum lsp_sync sync;
	enum lsp_role role;	/* of MUTEX rows; for the others what their class alone says */
	enum lsp_doubt doubt;	/* why nobody is blamed for a lock's hold */
	uint32_t tgid;
	bool interrupt;		/* released from an interrupt: the stack is that of an unrelated thread */
	bool worker;		/* released by a thread that has no stack of the process's */
	bool given_up;		/* MUTEX: stands for waits that were given up, not for releases */
	const struct lsp_sums *sums;	/* if estimate.kept is 0, the row has only handoff */
	bool has_why;		/* releases say what their holders did: a row without has unknown holders */
};

struct lsp_collector_totals {
	uint64_t records;
	uint64_t spans;			/* SPAN records, of any outcome */
	uint64_t releases;
	uint64_t outcomes[LOCKSPAN_OUTCOME_COUNT];	/* spans that came */
	uint64_t gaps;			/* places where records are missing, by their numbers */
	uint64_t gap_records;		/* and how many */
	uint64_t damaged;		/* runs that could not be read to their end */
	uint64_t unfit;			/* records that contradict themselves, left out */
	uint64_t unknown;		/* records of a type that is not known */
	uint64_t maps;			/* MAP records */
	size_t stacks;			/* captured stacks known now */
	size_t stacks_missing;		/* stacks to which events refer, but which never came */
	size_t changed;			/* files that were written to meanwhile, so that code has no names */
	size_t unopened;		/* files that found no free descriptor, so that code has no names */
	size_t traces;			/* distinct, resolved */
	size_t locks;			/* known now, by their keys */
	size_t processes;
	size_t rows;
	uint64_t unrecorded;		/* events for which there was no memory */
	uint64_t threads_undecided;	/* releases that no thread is blamed for: too many threads and keys */
	size_t pairs;			/* stacks taken by rules and as a whole snapshot, distinct */
	size_t pairs_equal;		/* of these, those with the same frames and the same end */
	/* What the ledgers of virtual keys say of their waits, less what those of the words say: see lsp_divided. */
	bool redivided;
	int64_t moved_hold_ns;
	int64_t moved_handoff_ns;
	int64_t moved_given_up_ns;
};

/* Blame that ends at one place. */
struct lsp_root {
	const char *site;	/* of the releaser's code, or how it ended otherwise: "[handoff]" */
	const struct lsp_trace *trace;	/* NULL: it is no stack's */
	const char *lock;
	uint64_t ns;
};

/* Whether the row's releasers are blamed in a mutex profile, or its waits were given up for what has blame there. */
static inline bool lsp_row_is_blamed(const struct lsp_row *row)
{
	return row->kind == LSP_ROW_MUTEX && row->role == LSP_ROLE_LOCK && row->doubt == LSP_DOUBT_NONE;
}

#endif
