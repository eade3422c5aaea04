/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names the shape of the contention on a lock, if the lock's numbers show one. docs/shapes.md has
 * the rules and their thresholds.
 */
#ifndef LSP_REPORT_SHAPE_H
#define LSP_REPORT_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "why/why.h"

enum lsp_shape_kind {
	LSP_SHAPE_SLOW_HOLDER,
	LSP_SHAPE_CONVOY,
	LSP_SHAPE_HANDOFF,
	LSP_SHAPE_HERD,
	LSP_SHAPE_READERS,
	LSP_SHAPE_BACK_PRESSURE,
	LSP_SHAPE_IDLE_POOL,
	LSP_SHAPE_PREEMPTED,	/* these four in the order of enum lsp_cause_kind */
	LSP_SHAPE_IO,
	LSP_SHAPE_NESTED,
	LSP_SHAPE_FAULTS,
	LSP_SHAPE_CROWDED,
	LSP_SHAPE_COUNT
};

/* "slow holder", "convoy" ... */
extern const char *const lsp_shape_names[LSP_SHAPE_COUNT];

/* Which way things flow past a condition variable or semaphore, as names tell it. */
enum lsp_flow {
	LSP_FLOW_UNKNOWN,
	LSP_FLOW_OUT,		/* the waiter wants to hand something on */
	LSP_FLOW_IN,		/* the waiter wants something to do */
};

/* Waits of one class. */
struct lsp_shape_waits {
	double count;
	double ns;
};

enum lsp_shape_class {
	LSP_SHAPE_MUTEX,	/* mutex, pi */
	LSP_SHAPE_READ,
	LSP_SHAPE_WRITE,
	LSP_SHAPE_SIGNAL,	/* cond, sem */
	LSP_SHAPE_OTHER,
	LSP_SHAPE_CLASSES
};

/* Releases of a lock by one function. */
struct lsp_shape_releaser {
	const char *site;
	double releases;
	double hold_ns;
	double charged;		/* waiters for whom the releases were charged */
	size_t lock;		/* index of the lock in the caller's list */
};

/* One lock. */
struct lsp_shape_lock {
	const char *lock;
	struct lsp_shape_waits waits[LSP_SHAPE_CLASSES];
	double late_ns;
	double spurious;
	double depth;		/* waiters when a wait began; sum over all waits */
	double handoff_ns;
	struct lsp_shape_releaser *releasers;
	size_t nreleasers;
	const char *waiter;	/* the function that waits most */
	double waiter_ns;
	struct lsp_causes why;	/* what its holders did, empty if nobody knows */
	double locks_ns;	/* waiting for all locks of the recording */
	bool joined;		/* sums of several recordings: a mean over all of them is that of none */
};

struct lsp_shape_number {
	const char *name;
	double value;
};

#define LSP_SHAPE_NUMBERS 6

struct lsp_shape {
	enum lsp_shape_kind kind;
	const char *lock;
	const char *site;	/* the function to which the shape belongs, or NULL */
	const char *cause;	/* what the holders did for most of the blame, or NULL */
	struct lsp_shape_number numbers[LSP_SHAPE_NUMBERS];	/* the list ends before an entry whose name is NULL */
};

/*
 * Judges one lock of a recording of @duration_ns. @others_in_ns is how long threads waited
 * elsewhere for something to do (LSP_FLOW_IN). Returns whether the lock has a shape. It has one at
 * most.
 */
bool lsp_shape_judge(const struct lsp_shape_lock *l, double duration_ns, double others_in_ns,
		     struct lsp_shape *ret);

/* Tells the flow by the names of a lock and of the function that waits for it. */
enum lsp_flow lsp_shape_flow(const char *lock, const char *waiter);

#endif
