/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the rows of a report: waits and releases side by side, by the program's function, by lock,
 * by class or by thread.
 */
#ifndef LSP_REPORT_TABLE_H
#define LSP_REPORT_TABLE_H

#include <stddef.h>

#include "../base/intern.h"
#include "../base/lengths.h"
#include "recording.h"
#include "why/why.h"

enum lsp_by {
	LSP_BY_SITE,
	LSP_BY_LOCK,
	LSP_BY_SYNC,
	LSP_BY_THREAD,
	LSP_BY_COUNT
};

/* "site", "lock", "sync", "thread". */
extern const char *const lsp_by_names[LSP_BY_COUNT];

/* What rows are sorted by, the greatest first. Locks stand before what is no lock all the same. */
enum lsp_sort {
	LSP_SORT_BOTH,		/* waited and blamed together */
	LSP_SORT_WAITED, LSP_SORT_WAITS, LSP_SORT_LATE, LSP_SORT_BLAMED, LSP_SORT_RELEASES, LSP_SORT_HANDOFF,
	LSP_SORT_GIVEN_UP, LSP_SORT_OPEN,
	LSP_SORT_NAME,		/* in the order of the alphabet */
	LSP_SORT_COUNT
};

/* "both", "waited", "waits" ... */
extern const char *const lsp_sort_names[LSP_SORT_COUNT];

enum lsp_value {
	LSP_V_WAITS,		/* that ended */
	LSP_V_WAITED,		/* lock wait, ns */
	LSP_V_LATE,		/* sched delay, ns; like most of the following it needs the contention profile */
	LSP_V_SPURIOUS,		/* waits of threads that had been woken and at once waited again */
	LSP_V_DEPTH,		/* number of waiters when a wait began, that wait included; sum over all waits */
	LSP_V_RELEASES,		/* of locks */
	LSP_V_BLAMED,		/* hold charge, ns */
	LSP_V_OTHER_RELEASES,	/* releases of what is no lock */
	LSP_V_OTHER_HOLD,	/* ns */
	LSP_V_CHARGED,		/* waiters for whom a release was charged; sum over all releases */
	LSP_V_HANDOFF,		/* ns; by lock and by sync only */
	LSP_V_GIVEN_UP,		/* waits for locks for which no release was charged, ns; a part of the tail */
	LSP_V_OPEN,		/* waits that had not ended */
	LSP_V_COUNT
};

struct lsp_table_row {
	const char *name;	/* the function, lock, class or thread; "" when the profile does not say */
	const char *file;	/* by site: the file of most of the time; "" unknown */
	long long wait_line;	/* by site: the line of most of the waiting; 0 unknown */
	long long release_line;
	const char *lock;	/* the lock of most of the row's time */
	const char *sync;
	enum lsp_use use;	/* by site and by lock */
	bool ambiguous;		/* by site and by lock: cut short, another row's name looks like this one's */
	double v[LSP_V_COUNT];
	double open_longest_ns;
	double tail_ns;		/* by lock: for the locks that record.json lists */
	struct lsp_lengths waits;	/* by lock: how long its waits were */
	struct lsp_lengths holds;	/* by lock: what its releases were charged with */
	double tid;		/* by thread: if record.json tells it; else 0 */
	double pid;
	struct lsp_causes why;	/* what LSP_V_BLAMED consists of; empty where nobody knows */
	struct lsp_bounds waited;	/* of LSP_V_WAITED */
	struct lsp_bounds blamed;
};

struct lsp_table {
	enum lsp_by by;
	struct lsp_table_row *rows;	/* by use, then descending by waited and blamed together */
	size_t n;
	size_t shown;
	size_t room;
	double total[LSP_V_COUNT];
	struct lsp_intern names;
	uint32_t *places;		/* by the number of a name: the place of its row */
	bool has_block, has_mutex, has_ext;
	bool processes;			/* there are several processes, so the names of threads have the process */
};

/*
 * Strings belong to the recording, which must live longer. With @join all threads of one name are
 * one row, whatever their process. Returns 0 or -ENOMEM.
 */
int lsp_table_create(const struct lsp_recording *r, enum lsp_by by, bool join,
		     struct lsp_table *ret);
void lsp_table_destroy(struct lsp_table *t);

/* Puts the rows into another order than that of LSP_SORT_BOTH, which they have at first. */
void lsp_table_sort(struct lsp_table *t, enum lsp_sort key);

/*
 * Whether the row has something to show, other than releases for which nobody is blamed. Rows that
 * have nothing come last.
 */
bool lsp_table_row_shown(const struct lsp_table_row *row);

/* Returns the row with the name @name, or NULL. */
const struct lsp_table_row *lsp_table_find(const struct lsp_table *t, const char *name);

#endif
