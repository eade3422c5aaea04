/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings for the tests of user/report, made event by event as lockspan
 * record makes them: each goes to the block or mutex profile and to the
 * contention profile.
 */
#ifndef FIXTURE_REPORT_H
#define FIXTURE_REPORT_H

#include "../../user/report/recording.h"

/* Waits or releases of one stack: leaf <- function <- main. */
struct fixture_events {
	bool release;
	const char *leaf;	/* NULL: pthread_mutex_lock or _unlock */
	const char *function;
	long long line;
	const char *lock;
	const char *sync;	/* NULL: mutex */
	const char *comm;	/* NULL: prog */
	long long pid;		/* 0: no such label */
	double count;
	double ns;		/* delay, or hold */
	double sched_ns;
	double spurious;
	double queue;		/* depth or waiters, in the mean */
};

/* Adds them, making the profiles where they are not there yet. Asserts that it works. */
void fixture_events_add(struct lsp_recording *r, const struct fixture_events *e);
void fixture_handoff_add(struct lsp_recording *r, const char *lock, double ns);

/* Waits for @lock that nobody answers for. */
void fixture_given_up_add(struct lsp_recording *r, const char *lock, double count, double ns);

/* A slow holder, fast waiters, a join; 2 s long. Its record.json: all exact, or sampled with intervals. */
void fixture_recording(struct lsp_recording *r);
extern const char fixture_record_exact[];
extern const char fixture_record_sampled[];

#endif
