/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers and names as people read them. */
#ifndef LSP_REPORT_WORDS_H
#define LSP_REPORT_WORDS_H

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

/* "7.01s..7.20s", "too few", "unknown", or "" when it is exact. */
const char *lsp_words_bounds(char to[2 * LSP_WORD], const struct lsp_bounds *b);

/* Writes a name: control characters as \xNN, so that it cannot steer a terminal. */
void lsp_words_name(FILE *to, const char *name);

#endif
