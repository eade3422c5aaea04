/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of a report: waits and releases side by side, by the program's
 * function, by lock, by class or by thread.
 */
#ifndef LSP_REPORT_TABLE_H
#define LSP_REPORT_TABLE_H

#include <stddef.h>

#include "../base/intern.h"
#include "recording.h"

enum lsp_by {
	LSP_BY_SITE,
	LSP_BY_LOCK,
	LSP_BY_SYNC,
	LSP_BY_THREAD,
	LSP_BY_COUNT
};

/* "site", "lock", "sync", "thread". */
extern const char *const lsp_by_names[LSP_BY_COUNT];

enum lsp_value {
	LSP_V_WAITS,		/* that ended */
	LSP_V_WAITED,		/* lock wait, ns */
	LSP_V_LATE,		/* sched delay, ns; needs the contention profile, as all below but two */
	LSP_V_SPURIOUS,		/* waits of threads that had been woken and waited again at once */
	LSP_V_DEPTH,		/* waiters when the wait began, itself included; sum over waits */
	LSP_V_RELEASES,		/* of locks */
	LSP_V_BLAMED,		/* hold charge, ns */
	LSP_V_OTHER_RELEASES,	/* of what is no lock */
	LSP_V_OTHER_HOLD,	/* ns */
	LSP_V_CHARGED,		/* waiters at a release, the released included; sum over all */
	LSP_V_HANDOFF,		/* ns; by lock and by sync only */
	LSP_V_GIVEN_UP,		/* waits for locks that no release answers for, ns; a part of the tail */
	LSP_V_OPEN,		/* waits that had not ended */
	LSP_V_COUNT
};

struct lsp_table_row {
	const char *name;	/* what the row is by; "" when the profile does not say */
	const char *file;	/* by site: of the most; "" unknown */
	long long wait_line;	/* by site: of most of the waiting; 0 unknown */
	long long release_line;
	const char *lock;	/* that most of the row is about */
	const char *sync;
	double v[LSP_V_COUNT];
	double open_longest_ns;
	double tail_ns;		/* by lock, of the locks that record.json lists */
	double tid;		/* by thread, when record.json tells; else 0 */
	double pid;
	struct lsp_bounds waited;	/* of LSP_V_WAITED */
	struct lsp_bounds blamed;
};

struct lsp_table {
	enum lsp_by by;
	struct lsp_table_row *rows;	/* descending by waited and blamed together */
	size_t n;
	size_t shown;
	size_t room;
	double total[LSP_V_COUNT];
	struct lsp_intern names;
	uint32_t *places;		/* of a name's row, by the name's number */
	bool has_block, has_mutex, has_ext;
	bool processes;			/* several: thread names have the process */
};

/*
 * Strings belong to the recording, which must live longer. With @join threads
 * of one name are one row, whatever their process. 0 or -ENOMEM.
 */
int lsp_table_create(const struct lsp_recording *r, enum lsp_by by, bool join,
		     struct lsp_table *ret);
void lsp_table_destroy(struct lsp_table *t);

/* Whether there is something to show but releases that are nobody's blame; rows without come last. */
bool lsp_table_row_shown(const struct lsp_table_row *row);

/* The row called @name, or NULL. */
const struct lsp_table_row *lsp_table_find(const struct lsp_table *t, const char *name);

#endif
