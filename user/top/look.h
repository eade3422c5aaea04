/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One look at a recording that goes on: the sums of each lock since the beginning, and what has been added to them
 * since the look before.
 */
#ifndef LSP_TOP_LOOK_H
#define LSP_TOP_LOOK_H

#include "../base/intern.h"
#include "../report/sections/parties.h"
#include "../report/table.h"

enum lsp_top_sort {
	LSP_TOP_WAITING, LSP_TOP_WAITS, LSP_TOP_WAITED, LSP_TOP_BLAMED, LSP_TOP_NAME,
	LSP_TOP_SORT_COUNT
};

/* "waiting", "waits", "waited", "blamed", "name". */
extern const char *const lsp_top_sort_names[LSP_TOP_SORT_COUNT];

struct lsp_top_lock {
	const struct lsp_table_row *row;	/* its sums since the beginning */
	/*
	 * How many threads waited for it on average since the look before: the lengths of the waits that have ended
	 * since then, by the time that has passed. A wait that began earlier counts with its whole length.
	 */
	double waiting;
	double waits;				/* waits that have ended, a second */
};

struct lsp_top_look {
	struct lsp_recording recording;
	struct lsp_table table;
	struct lsp_parties parties;
	struct lsp_top_lock *locks;	/* by use, then as they were sorted */
	size_t n;
	double begun_s;			/* seconds since the recording began */
	double lost;			/* events */
	double waiting[LSP_USE_END + 1];	/* sums over all locks of a use */
};

/* What each lock had at the look before. All zero is empty. */
struct lsp_top_before {
	struct lsp_intern names;
	struct lsp_top_sums { double waited_ns, waits; } *sums;	/* by the name's number */
	size_t room;
};

void lsp_top_before_uninit(struct lsp_top_before *b);

/*
 * Looks at @r, which it takes over, after @interval_s seconds, and notes in @b what it saw. Returns 0 or -ENOMEM;
 * then @ret is empty.
 */
int lsp_top_look_create(struct lsp_recording *r, struct lsp_top_before *b, double interval_s,
			struct lsp_top_look *ret);
void lsp_top_look_destroy(struct lsp_top_look *l);

/* Locks stand before queues and joins whatever the key is. */
void lsp_top_look_sort(struct lsp_top_look *l, enum lsp_top_sort sort);

/* Returns the lock of that name, or NULL. */
const struct lsp_top_lock *lsp_top_look_find(const struct lsp_top_look *l, const char *name);

#endif
