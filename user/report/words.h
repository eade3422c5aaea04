/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes numbers and names as people read them: times, counts with nouns ("2 waits"), shares,
 * intervals.
 */
#ifndef LSP_REPORT_WORDS_H
#define LSP_REPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "facts.h"

#define LSP_WORD 32

/* "7.09s", "-1.20ms", "0": three significant digits. Returns @to. */
const char *lsp_words_ns(char to[LSP_WORD], double ns);

/* "6,237" or "12.3": a count, which sampling may have made a fraction. */
const char *lsp_words_count(char to[LSP_WORD], double count);

/* "84.1%", or "-" of nothing. */
const char *lsp_words_share(char to[LSP_WORD], double part, double whole);

/* "7.01s..7.20s", "-" when there is no interval, or "" when it is exact. */
const char *lsp_words_bounds(char to[2 * LSP_WORD], const struct lsp_bounds *b);

/* Which kinds of interval the rows of a table have. All zero is empty. */
struct lsp_bounds_met {
	bool shown, too_few, unknown;
};

void lsp_bounds_meet(struct lsp_bounds_met *m, const struct lsp_bounds *b);

/* Writes lines below a table that say why rows have no interval; nothing if all have one. */
void lsp_words_bounds_note(FILE *to, const struct lsp_bounds_met *m);

/* "1 wait", "12 waits": @count, and @word with an s unless the count is 1. */
const char *lsp_words_counted(char to[2 * LSP_WORD], double count, const char *word);

/* Writes a name, with control characters as \xNN, so that it cannot steer a terminal. */
void lsp_words_name(FILE *to, const char *name);

#endif
