/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings for the tests of user/report, made event by event as lockspan
 * record makes them: each goes to the block or mutex profile and to the
 * contention profile.
 */
#ifndef FIXTURE_REPORT_H
#define FIXTURE_REPORT_H

#include "../../user/report/recording.h"
#include "../../user/report/table.h"

/* Waits or releases of one stack: leaf <- function <- main. */
struct fixture_events {
	bool release;
	const char *leaf;	/* NULL: pthread_mutex_lock or _unlock */
	const char *function;
	long long line;
	const char *lock;
	const char *sync;	/* NULL: mutex */
	const char *role;	/* of releases; NULL: no such label, as in files of older versions */
	const char *why;	/* of releases, what the holder did; NULL: no such label */
	const char *comm;	/* NULL: prog */
	long long pid;		/* 0: no such label */
	double count;
	double ns;		/* delay, or hold */
	double sched_ns;
	double spurious;
	double queue;		/* mean depth, or mean number of waiters */
};

/* Adds the events, and makes the profiles if there are none yet. Asserts that this works. */
void fixture_events_add(struct lsp_recording *r, const struct fixture_events *e);
void fixture_handoff_add(struct lsp_recording *r, const char *lock, double ns);

/* Adds waits for @lock that were given up. */
void fixture_given_up_add(struct lsp_recording *r, const char *lock, double count, double ns);

/*
 * A recording of 2 s with a slow holder, fast waiters and a join; and its record.json, all exact or sampled
 * with intervals.
 */
void fixture_recording(struct lsp_recording *r);
extern const char fixture_record_exact[];
extern const char fixture_record_sampled[];

/* Adds the text of a record.json to the facts of @r. Fails the test if it is refused. */
void fixture_record_add(struct lsp_recording *r, const char *text);

/* The row of that name. Fails the test if there is none. */
const struct lsp_table_row *fixture_row(const struct lsp_table *t, const char *name);

/* Fails the test, and shows @text, unless @part stands in it. */
void fixture_has(const char *text, const char *part);

#endif
