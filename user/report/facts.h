/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads what record.json says of a recording beside its profiles: how it was made, exact totals,
 * what was lost, intervals by lock and by stack, open waits. For several recordings these are sums.
 */
#ifndef LSP_REPORT_FACTS_H
#define LSP_REPORT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/lengths.h"
#include "../profile/pprof.h"
#include "why/why.h"

struct json_object;

/* How far a number can be trusted. */
enum lsp_trust {
	LSP_TRUST_EXACT,	/* nothing was left out */
	LSP_TRUST_SHOWN,	/* there is a 95 % interval */
	LSP_TRUST_TOO_FEW,	/* sampled, and too few events for an interval */
	LSP_TRUST_UNKNOWN,	/* nothing says how it was sampled */
};

struct lsp_bounds {
	enum lsp_trust trust;
	double low_ns;		/* low_ns and high_ns are set only for SHOWN */
	double high_ns;
};

/* The waits, or the releases, of a group of record.json. */
struct lsp_facts_estimate {
	double kept;
	double delay_ns;
	struct lsp_lengths lengths;	/* of a lock */
	struct lsp_bounds bounds;
};

/* One of "locks" or "stacks". Strings belong to the facts. */
struct lsp_facts_group {
	const char *lock;		/* NULL: the group is a stack */
	struct json_object *stack;	/* names, leaf first; NULL: the group is a lock */
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
	double tid;			/* 0: the sum of the threads that are not listed */
	double pid;
	const char *comm;
	double waits, waited_ns, late_ns;
	double releases, blamed_ns;
	double open, open_longest_ns;
};

/* One of "not_blamed": hold that is nobody's blame, over all recordings. */
struct lsp_facts_unblamed {
	const char *name;
	const char *why;
	double releases;
	double hold_ns;
};

/* One of "roots": blame that ends at one place. */
struct lsp_facts_root {
	const char *site;
	const char *lock;
	double ns;
	struct json_object *stack;	/* names, leaf first; NULL: it is no stack's */
};

/* Sums over all recordings; exact is false unless all of them have it. */
struct lsp_facts_totals {
	bool exact;
	double contentions, delay_ns, releases, hold_ns, handoff_ns, tail_ns, sched_ns;
	double open_waits, open_ns;
	double recorder_ns;		/* upper limit of the recorder's own work, as part of the handoff */
	double missed;			/* calls of probes that the kernel left out, machine-wide */
	double duration_ns;
};

struct lsp_facts {
	struct json_object **records;	/* one for each recording */
	size_t n;
	size_t room;
	bool rates_known;		/* the rates of all sources are known */
	double block_rate_ns;		/* the greatest of all sources */
	double mutex_fraction;
	double min_delay_ns;		/* the greatest, too: shorter waits were left out */
};

/* All zero is empty. */
void lsp_facts_uninit(struct lsp_facts *f);

/* Takes the text of one record.json. 0, -ENOMEM or -EBADMSG with a clause in @why. */
int lsp_facts_add_record(struct lsp_facts *f, const char *text, char *why, size_t why_bytes);

/* For a profile that came without a record.json. Its comments may tell the rates. */
void lsp_facts_add_profile(struct lsp_facts *f, const struct lsp_profile *p);

/* Whether every wait was kept, and whether every release was. */
bool lsp_facts_block_exact(const struct lsp_facts *f);
bool lsp_facts_mutex_exact(const struct lsp_facts *f);

/*
 * Whether all recordings are of one command line. Only then the sum of their lengths means
 * something.
 */
bool lsp_facts_one_program(const struct lsp_facts *f);

/*
 * What all threads did in all their time, summed over all recordings. Empty if nobody knows. The texts belong to the
 * records. 0 or -ENOMEM.
 */
int lsp_facts_thread_time(const struct lsp_facts *f, struct lsp_causes *ret);

void lsp_facts_totals(const struct lsp_facts *f, struct lsp_facts_totals *ret);

/*
 * Whether records of a recording were lost. Calls @fn, which may be NULL, with each sentence about
 * that.
 */
bool lsp_facts_partial(const struct lsp_facts *f, void (*fn)(void *arg, const char *sentence),
		       void *arg);

/* Calls @fn with each note: what a reader should know of a recording although nothing was lost. */
void lsp_facts_notes(const struct lsp_facts *f, void (*fn)(void *arg, const char *sentence), void *arg);

/*
 * Read group number @index of "locks" or "stacks", or open wait number @index, counted over all
 * records. They return false if there is none.
 */
bool lsp_facts_lock(const struct lsp_facts *f, size_t index, struct lsp_facts_group *ret);
bool lsp_facts_stack(const struct lsp_facts *f, size_t index, struct lsp_facts_group *ret);
bool lsp_facts_open(const struct lsp_facts *f, size_t index, struct lsp_facts_open *ret);

bool lsp_facts_root(const struct lsp_facts *f, size_t index, struct lsp_facts_root *ret);

/* The "threads" of element @index of "deadlocks", a list of objects; NULL: there is none. */
struct json_object *lsp_facts_deadlock(const struct lsp_facts *f, size_t index);

/* Why the roots of the blame are not known, as a clause; NULL: all recordings have them. */
const char *lsp_facts_roots_missing(const struct lsp_facts *f);

/* The same for "threads". A record may lack them. */
bool lsp_facts_thread(const struct lsp_facts *f, size_t index, struct lsp_facts_thread *ret);

/* The @index-th reason for which hold is nobody's blame; false past the last. */
bool lsp_facts_unblamed(const struct lsp_facts *f, size_t index, struct lsp_facts_unblamed *ret);

/* Returns a text ("kernel", "begun") of record number @index, "" if it has none. */
const char *lsp_facts_text(const struct lsp_facts *f, size_t index, const char *key);

/* Returns record number @index itself, for callers that only pass it on; NULL if there is none. */
struct json_object *lsp_facts_record(const struct lsp_facts *f, size_t index);

#endif
