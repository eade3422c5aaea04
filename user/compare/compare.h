/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares the kernel's recording of a run with the userspace recorder's recording of the same run.
 * If both have every event, each wait of the program is divided by the kernel's spans of the same
 * thread within it. Otherwise, and for a program's own profiles, sums are compared. Several sources
 * define this: all of the folder except events.c, names.c and endings.c.
 */
#ifndef LSP_COMPARE_H
#define LSP_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/intern.h"
#include "../report/recording.h"

/* The parts of a wait of the user's side, ns. Their sum is user_wait. */
#define LSP_COMPARE_PARTS(X) \
	X(KERNEL_WAIT, "kernel_wait_ns")	/* queued on its lock's word */ \
	X(SCHED_DELAY, "sched_delay_ns")	/* woken, and not yet running */ \
	X(SPIN, "spin_ns")			/* whole calls in which the thread never slept */ \
	X(RECORDER, "recorder_ns")		/* the userspace recorder's own work before the wait */ \
	X(ENTRY, "entry_ns")			/* from the call to the first sleep */ \
	X(REWAIT, "rewait_ns")			/* between sleeps of one call */ \
	X(RETURN, "return_ns")			/* from running again to the return */ \
	X(PARKING, "goroutine_parking_ns")	/* Go: the kernel sees threads, not goroutines */ \
	X(UNEXPLAINED, "unexplained_ns")

#define LSP_COMPARE_ENUM(id, key) LSP_COMPARE_##id,
enum lsp_compare_part { LSP_COMPARE_PARTS(LSP_COMPARE_ENUM) LSP_COMPARE_COUNT };

/* The JSON key of a part. */
const char *lsp_compare_part_key(enum lsp_compare_part part);

struct lsp_compare_row {
	const char *site;	/* the program's function that called the lock function */
	const char *lock;
	double user_wait_ns;
	double user_waits;
	double kernel_spans;	/* within them */
	double parts[LSP_COMPARE_COUNT];
	double kernel_only_ns;	/* lock wait and sched delay of spans outside all waits of the user's side */
	double kernel_only;	/* the number of these spans */
};

/* How much the mutex profiles charge a function with; ns. */
struct lsp_compare_blame {
	const char *site;
	const char *lock;
	double kernel_ns;
	double user_ns;
};

/* Which side's blame to go by. */
enum lsp_compare_trust { LSP_COMPARE_EITHER, LSP_COMPARE_TRUST_KERNEL, LSP_COMPARE_TRUST_USER };

struct lsp_compare {
	bool joined;		/* compared event by event; otherwise by sums */
	bool go;		/* the user's side is a Go program's own */
	bool kernel_partial;
	bool user_partial;
	bool user_empty;	/* the user's side saw nothing */
	double kernel_handoff_ns;	/* of all waiting of a side, the handoff; NAN: not known */
	double user_handoff_ns;
	double noise_ns;	/* half the 95 % interval of the difference; 0: nothing was sampled */
	struct lsp_compare_row total;
	struct lsp_compare_row *rows;	/* descending by the time that either side saw */
	size_t n;
	size_t room;
	struct lsp_intern names;	/* of sites and locks */
	struct lsp_intern keys;		/* of rows */
	bool has_blame;
	double kernel_blame_ns;
	double user_blame_ns;
	double blame_agreed;	/* share of the blame that both sides charge to the same functions, 0 to 1 */
	struct lsp_compare_blame *blame;	/* descending by the larger side */
	size_t nblame;
	size_t blame_room;
	struct lsp_intern releasers;
	double rank;		/* Kendall's tau-b of the top sites; NAN: fewer than two */
	size_t ranked;
};

/* Makes an empty comparison. The two functions below call this first. */
void lsp_compare_init(struct lsp_compare *c);
void lsp_compare_uninit(struct lsp_compare *c);

/*
 * Compares two span files of one run. Returns 0 or -errno; -ENODATA if one of them is not complete
 * or was sampled, so that single events cannot be compared.
 */
int lsp_compare_spans(const char *kernel, const char *user, struct lsp_compare *c);

/* Compares profiles. @user may be a Go program's own. Returns 0 or -errno. */
int lsp_compare_profiles(const struct lsp_recording *kernel, const struct lsp_recording *user,
			 struct lsp_compare *c);

/*
 * Adds the functions that the mutex profiles of both sides blame. Adds nothing if one of them is
 * NULL, or the user's side is a Go program's own. Returns 0 or -ENOMEM.
 */
int lsp_compare_blame(struct lsp_compare *c, const struct lsp_profile *kernel,
		      const struct lsp_profile *user);

/*
 * Which of two sums of blame to go by: either where they are alike, else the larger. The side that charges less of
 * the same waiting has not seen who held the lock.
 */
enum lsp_compare_trust lsp_compare_blame_trust(double kernel_ns, double user_ns);

/* Returns the row in which the blame of the two sides differs most. NULL: it differs in none. */
const struct lsp_compare_blame *lsp_compare_blame_most(const struct lsp_compare *c);

/*
 * Returns the row of (@site, @lock), and makes it if needed. NULL: no memory. Valid until the next
 * call.
 */
struct lsp_compare_row *lsp_compare_row(struct lsp_compare *c, const char *site, const char *lock);

/* To be called after the last row. Computes the total, the order and the ranks. */
void lsp_compare_finish(struct lsp_compare *c);

/*
 * Percentages of the waiting that the program saw: that in which the kernel saw it asleep or late
 * to run, and the unexplained rest.
 */
double lsp_compare_coverage(const struct lsp_compare_row *row);
double lsp_compare_unexplained(const struct lsp_compare_row *row);

/* Writes at most @top rows. The last sentences of the text say which side to trust, and why. */
void lsp_compare_text(FILE *to, const struct lsp_compare *c, size_t top);
struct json_object *lsp_compare_json(const struct lsp_compare *c, size_t top);

/* Returns the last sentences, malloc'ed. */
char *lsp_compare_verdict(const struct lsp_compare *c);

#endif
