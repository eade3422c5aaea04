/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folded stacks, as flamegraph.pl, speedscope and others read them: one line for each stack, its
 * frames from the root on with semicolons between them, a space and a whole number.
 */
#ifndef LSP_EXPORT_FOLDED_H
#define LSP_EXPORT_FOLDED_H

#include <stdio.h>

#include "stacks.h"

/*
 * Writes the stacks with their values, which are in ns, rounded. Stacks whose value rounds to 0 are
 * left out. In a name, a semicolon becomes a colon, and a line's end becomes a space. Whether @to took all of it
 * is for the caller to look at.
 */
void lsp_export_folded(FILE *to, const struct lsp_export_frames *f, const struct lsp_export_stacks *s);

#endif
