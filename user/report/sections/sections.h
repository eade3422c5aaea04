/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes what a reader should see first: the lock that was waited for most, and then locks, hand-overs, and joins
 * and barriers, each with those who wait and those they wait for.
 */
#ifndef LSP_REPORT_SECTIONS_H
#define LSP_REPORT_SECTIONS_H

#include <stdio.h>

#include "../text.h"
#include "parties.h"

struct lsp_sections {
	struct lsp_table locks;
	struct lsp_parties parties;
	bool seen;		/* the recording is of the program's own side, which sees whoever takes a lock */
	bool with_user;		/* that side was recorded too */
	bool exact;
	double duration_ns;	/* 0: not known */
};

/* 0 or -ENOMEM. The recording must live longer. */
int lsp_sections_create(const struct lsp_recording *r, struct lsp_sections *ret);
void lsp_sections_destroy(struct lsp_sections *s);

/* Returns the row of the lock that was waited for most, or NULL. */
const struct lsp_table_row *lsp_sections_top(const struct lsp_sections *s);

/* Writes one sentence about that lock, or that there is none; nothing if nothing was waited for. */
void lsp_sections_headline(FILE *to, const struct lsp_sections *s, const struct lsp_words_layout *layout);

/* Writes all sections that have rows, each with at most @look->top rows. */
void lsp_sections_text(FILE *to, const struct lsp_sections *s, const struct lsp_report_look *look);

#endif
