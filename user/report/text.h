/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes a report as text, for a terminal or a file. */
#ifndef LSP_REPORT_TEXT_H
#define LSP_REPORT_TEXT_H

#include <stdio.h>

#include "table.h"
#include "words.h"

/* How a report looks. */
struct lsp_report_look {
	size_t top;		/* rows at most; SIZE_MAX: all */
	bool why;		/* say under each row why its holds were long, to half a percent; else by lock only */
	struct lsp_words_layout layout;
};

/*
 * _facts writes what was recorded, totals and losses; _rows the table, and waits that have not ended. Both leave
 * errors in @to; ask ferror().
 */
void lsp_report_text_facts(FILE *to, const struct lsp_recording *r, const struct lsp_table *t);
void lsp_report_text_rows(FILE *to, const struct lsp_recording *r, const struct lsp_table *t,
			  const struct lsp_report_look *look);

#endif
