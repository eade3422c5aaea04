/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes numbers and names as people read them: times, counts with nouns ("2 waits"), shares,
 * intervals, short names. Cuts text to a given width, and computes the width of a text; cmd/reading.h
 * says how wide a line may be. Tells whether a lock is the one that was asked for.
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

/* How tables are laid out. */
struct lsp_words_layout {
	size_t columns;		/* characters that a line may have; 0: any number */
	bool wide;		/* names are whole, and lines as long as they are */
};

/* Writes the name of a function or a lock: in the short form of lsp_short_name(), unless the layout is wide. */
void lsp_words_function(FILE *to, const char *name, const struct lsp_words_layout *layout);

/*
 * Whether the lock @name is the one that was asked for: by its whole name, or by the short form that
 * tables show. @only NULL: every lock was.
 */
bool lsp_words_asked(const char *name, const char *only);

/* Writes what of @text fits into @columns characters, 0 being any number. What was cut is shown by "...". */
void lsp_words_fit(FILE *to, const char *text, size_t columns);

/* Counts the characters of @text, which is UTF-8. */
size_t lsp_words_width(const char *text);

#endif
