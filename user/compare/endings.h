/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose releases end whose waits: pairs of sites, from the single events of span files. */
#ifndef LSP_COMPARE_ENDINGS_H
#define LSP_COMPARE_ENDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../base/intern.h"
#include "../report/recording.h"
#include "../report/table.h"
#include "../report/text.h"

/* The waits of one site that releases of another ended. */
struct lsp_ending {
	const char *waiter;
	const char *releaser;	/* "(nobody)": a timeout or a signal ended them */
	const char *lock;	/* that of most of their time */
	const char *sync;
	enum lsp_use use;
	double waits, waited_ns, longest_ns;
	double lock_ns;		/* the time by which lock was chosen */
};

struct lsp_endings {
	struct lsp_ending *rows;
	size_t n, room;
	double waits, waited_ns;
	bool partial;		/* a file is not whole */
	struct lsp_intern names, pairs;
	/* Sums by pair and lock, while files are added. */
	struct lsp_ending *parts;
	size_t nparts, parts_room;
	struct lsp_intern keys;
};

void lsp_endings_init(struct lsp_endings *e);
void lsp_endings_uninit(struct lsp_endings *e);

/*
 * Adds the waits of a span file; only those for the lock called @only, if that is not NULL. Returns 0, -ENODATA if
 * events were sampled, so that a wait's release may be missing, -EOPNOTSUPP if the file is of the library within the
 * program, which does not record whose release ends a wait, or another -errno.
 */
int lsp_endings_add(struct lsp_endings *e, const char *path, const char *only);

/* To be called after the last file. Rows are sorted by @key: BOTH, WAITED, WAITS or NAME. 0 or -ENOMEM. */
int lsp_endings_finish(struct lsp_endings *e, const struct lsp_uses *uses, enum lsp_sort key);

/* Write at most @top rows. */
void lsp_endings_text(FILE *to, const struct lsp_endings *e, const struct lsp_report_look *look);
struct json_object *lsp_endings_json(const struct lsp_endings *e, size_t top);

#endif
