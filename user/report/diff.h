/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares two recordings: NEW minus BASE for each row of their tables, as pprof's -diff_base does
 * for samples. What has become less is negative. Several sources define this: diff.c compares,
 * diff_write.c writes.
 */
#ifndef LSP_REPORT_DIFF_H
#define LSP_REPORT_DIFF_H

#include <stdio.h>

#include "table.h"

struct json_object;

/* What the two sides are divided by, so that runs of different lengths can be compared. */
enum lsp_per {
	LSP_PER_RUN,		/* nothing */
	LSP_PER_SECOND,
	LSP_PER_OPERATION,
};

struct lsp_diff_row {
	const char *name;
	const struct lsp_table_row *base;	/* NULL: it is new */
	const struct lsp_table_row *new;	/* NULL: it is gone */
	double before[LSP_V_COUNT];		/* divided */
	double after[LSP_V_COUNT];
	struct lsp_bounds waited;		/* intervals of the differences, divided */
	struct lsp_bounds blamed;
};

struct lsp_diff {
	struct lsp_table base, new;
	enum lsp_per per;
	double base_divisor, new_divisor;
	double base_min_ns, new_min_ns;	/* shorter waits were left out */
	bool block, mutex, ext;		/* the profiles that both sides have */
	struct lsp_diff_row total;
	struct lsp_diff_row *rows;	/* by the size of the change */
	size_t n;
};

/*
 * @base_divisor and @new_divisor are seconds or operations; for PER_RUN they are 1. Returns 0,
 * -EINVAL if the two sides have no profile in common, or -ENOMEM.
 */
int lsp_diff_create(const struct lsp_recording *base, const struct lsp_recording *new,
		    enum lsp_by by, enum lsp_per per, double base_divisor, double new_divisor,
		    struct lsp_diff *ret);
void lsp_diff_destroy(struct lsp_diff *d);

void lsp_diff_text(FILE *to, const struct lsp_diff *d, size_t top);
struct json_object *lsp_diff_json(const struct lsp_diff *d, size_t top);

#endif
