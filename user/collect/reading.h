/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is read from a collector once its events are summed: rows, totals, percentiles, the roles of keys, threads,
 * outcomes, the name of the lock of a key, and the lock that was waited for most.
 */
#ifndef LSP_COLLECT_READING_H
#define LSP_COLLECT_READING_H

#include "../base/lengths.h"
#include "rows.h"

struct lsp_collector;

/*
 * Calls @fn for every resolved row, until @fn returns something other than 0, which is
 * returned. If its own stack does not show the class of a release, the release has the
 * class of most waits on its key; in a steady collector, the class that was known first.
 */
int lsp_collector_rows(const struct lsp_collector *c,
		       int (*fn)(void *arg, const struct lsp_row *row), void *arg);

/* What each key is used for and what tells so, once it is known; not 0 of @fn ends the walk and is returned. */
int lsp_collector_keys(const struct lsp_collector *c,
		       int (*fn)(void *arg, const struct lsp_key_role *key, const char *lock), void *arg);

/*
 * The name of the lock that records call @key, or of the virtual key whose first word it is; NULL: no wait for it has been
 * folded, or it was long ago, or that word is of several virtual keys.
 */
const char *lsp_collector_lock(const struct lsp_collector *c, uint64_t key);

/*
 * Who is to blame in the end, when each has handed on what it waited for others. Calls @fn for each; not 0 of @fn ends the
 * walk and is returned. What they come to is the hold of all rows that are blamed.
 */
int lsp_collector_roots(const struct lsp_collector *c, int (*fn)(void *arg, const struct lsp_root *root), void *arg);

/*
 * Where this wait was, and for which lock, if lsp_collector_watch() asked for it and it has come. ret->ns is 0. ret->lock is
 * NULL if the lock has no name.
 */
bool lsp_collector_watched(const struct lsp_collector *c, uint32_t tgid, uint32_t tid, uint64_t uaddr, struct lsp_root *ret);

/* Why roots are not known, as a clause; NULL: they are. */
const char *lsp_collector_roots_missing(const struct lsp_collector *c);

/* What all observed threads did in all their time. NULL: nobody asked the module. */
const struct lsp_why *lsp_collector_times(const struct lsp_collector *c);

void lsp_collector_totals(const struct lsp_collector *c, struct lsp_collector_totals *ret);

/*
 * The name whose locks have most lock wait so far, open waits too, and that
 * sum, ns; "" when there is none. Primitives that are no locks do not count.
 */
const char *lsp_collector_top(const struct lsp_collector *c, double *wait_ns_ret);

/*
 * The lengths of the @n waits for the locks called @lock, or with @holds the hold charges of its @n releases, wrong by less
 * than 1 %. @lock is a name that the collector gave. False: they are not known.
 */
bool lsp_collector_lengths(const struct lsp_collector *c, const char *lock, bool holds, uint64_t n, struct lsp_lengths *ret);

/* Sums by thread of what is resolved, and a thread's name. Both belong to the collector. */
struct lsp_thread;
struct lsp_threads;
const struct lsp_threads *lsp_collector_threads(const struct lsp_collector *c);
const char *lsp_collector_comm(const struct lsp_collector *c, const struct lsp_thread *t);

/* Waits by their outcome, as many as there are: estimates, from the spans folded so far. */
const struct lsp_estimate *lsp_collector_outcomes(const struct lsp_collector *c);

#endif
