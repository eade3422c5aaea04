/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What record.json says of a recording beside its profiles: how it was made,
 * exact totals, what was lost, intervals by lock and by stack, open waits. Of
 * several recordings: the sums.
 */
#ifndef LSP_REPORT_FACTS_H
#define LSP_REPORT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../profile/pprof.h"

struct json_object;

/* How far a number can be trusted. */
enum lsp_trust {
	LSP_TRUST_EXACT,	/* nothing was left out */
	LSP_TRUST_SHOWN,	/* 95 % interval */
	LSP_TRUST_TOO_FEW,	/* sampled, and too few events for an interval */
	LSP_TRUST_UNKNOWN,	/* nothing says how it was sampled */
};

struct lsp_bounds {
	enum lsp_trust trust;
	double low_ns;		/* these two when it is SHOWN */
	double high_ns;
};

/* One side of a group of record.json. */
struct lsp_facts_estimate {
	double kept;
	double delay_ns;
	struct lsp_bounds bounds;
};

/* One of "locks" or "stacks". Strings belong to the facts. */
struct lsp_facts_group {
	const char *lock;		/* NULL: it is a stack */
	struct json_object *stack;	/* names, leaf first; NULL: it is a lock */
	const char *sync;
	struct lsp_facts_estimate block;
	struct lsp_facts_estimate mutex;
	double tail_ns;
};

/* One of "open_waits". */
struct lsp_facts_open {
	double waits;
	double longest_ns;
	const char *lock;
	const char *sync;
	const char *comm;
	double pid;
	struct json_object *stack;	/* names, leaf first */
};

/* One of "threads". */
struct lsp_facts_thread {
	double tid;			/* 0: others that are not listed */
	double pid;
	const char *comm;
	double waits, waited_ns, late_ns;
	double releases, blamed_ns;
	double open, open_longest_ns;
};

/* Sums over all recordings; exact is false unless all of them have it. */
struct lsp_facts_totals {
	bool exact;
	double contentions, delay_ns, releases, hold_ns, handoff_ns, tail_ns, sched_ns;
	double open_waits, open_ns;
	double recorder_ns;		/* of the handoff, at most: the userspace recorder's own work at releases */
	double missed;			/* by probes, machine-wide */
	double duration_ns;
};

struct lsp_facts {
	struct json_object **records;	/* one for each recording */
	size_t n;
	size_t room;
	bool rates_known;		/* for each source */
	double block_rate_ns;		/* the greatest of all sources */
	double mutex_fraction;
	double min_delay_ns;		/* the greatest, too: shorter waits were left out */
};

/* All zero is empty. */
void lsp_facts_uninit(struct lsp_facts *f);

/* Takes the text of one record.json. 0, -ENOMEM or -EBADMSG with a clause in @why. */
int lsp_facts_add_record(struct lsp_facts *f, const char *text, char *why, size_t why_bytes);

/* For a file that came without a record.json: its comments say the rates, or nothing does. */
void lsp_facts_add_profile(struct lsp_facts *f, const struct lsp_profile *p);

/* Whether every event was kept, of waits and of releases. */
bool lsp_facts_block_exact(const struct lsp_facts *f);
bool lsp_facts_mutex_exact(const struct lsp_facts *f);

/* Whether all recordings are of one command line: only then does the sum of their lengths mean something. */
bool lsp_facts_one_program(const struct lsp_facts *f);

void lsp_facts_totals(const struct lsp_facts *f, struct lsp_facts_totals *ret);

/* Whether records of a recording were lost; calls @fn (may be NULL) with each sentence that says so. */
bool lsp_facts_partial(const struct lsp_facts *f, void (*fn)(void *arg, const char *sentence),
		       void *arg);

/* The same for what a reader should know of a recording, though nothing of it was lost. */
void lsp_facts_notes(const struct lsp_facts *f, void (*fn)(void *arg, const char *sentence), void *arg);

/* The @index-th group of "locks" or "stacks" or open wait, over all records; false past the last. */
bool lsp_facts_lock(const struct lsp_facts *f, size_t index, struct lsp_facts_group *ret);
bool lsp_facts_stack(const struct lsp_facts *f, size_t index, struct lsp_facts_group *ret);
bool lsp_facts_open(const struct lsp_facts *f, size_t index, struct lsp_facts_open *ret);

/* The same of "threads"; none where a record lacks them. */
bool lsp_facts_thread(const struct lsp_facts *f, size_t index, struct lsp_facts_thread *ret);

/* A text of the @index-th record, "" when it has none: "kernel", "begun". */
const char *lsp_facts_text(const struct lsp_facts *f, size_t index, const char *key);

/* The @index-th record itself, for what is only passed on; NULL past the last. */
struct json_object *lsp_facts_record(const struct lsp_facts *f, size_t index);

#endif
