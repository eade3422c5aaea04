/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shows the roots of the blame: who is to blame in the end, when each holder has handed on the time in which it waited for
 * another.
 */
#ifndef LSP_REPORT_ROOTS_ROOTS_H
#define LSP_REPORT_ROOTS_ROOTS_H

#include <stdio.h>

#include "../table.h"
#include "../text.h"

struct json_object;

struct lsp_root_row {
	const char *site;	/* a function, or how the blame ended otherwise: "[handoff]" */
	const char *lock;
	double ns;
};

struct lsp_root_rows {
	struct lsp_root_row *rows;	/* the largest first */
	size_t n;
	size_t room;
	double all_ns;
	const char *missing;	/* why the roots are not known, as a clause; NULL: they are */
};

/* Adds up the roots of all recordings. The recording must live longer. 0 or -ENOMEM. */
int lsp_root_rows_create(const struct lsp_recording *r, struct lsp_root_rows *ret);
void lsp_root_rows_destroy(struct lsp_root_rows *rows);

/* The list of report --json. */
struct json_object *lsp_root_rows_json(const struct lsp_root_rows *rows, size_t top);

/* The table of --by root. */
void lsp_root_rows_text(FILE *to, const struct lsp_root_rows *rows, const struct lsp_report_look *look);

/* One line on the largest roots, if they are others than those whom @sites blames, the table by site. */
void lsp_root_rows_line(FILE *to, const struct lsp_root_rows *rows, const struct lsp_table *sites);

#endif
