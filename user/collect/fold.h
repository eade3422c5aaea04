/* SPDX-License-Identifier: GPL-2.0-only */
/* From sums by captured stack to sums by trace and lock, for collector.c. */
#ifndef LSP_COLLECT_FOLD_H
#define LSP_COLLECT_FOLD_H

#include <stdbool.h>

struct lsp_collector;

/*
 * Resolves the stacks that can be and moves their sums from pending to
 * resolved. @last: nothing more will come, so resolve with what there is.
 */
int lsp_collector_fold(struct lsp_collector *c, bool last);

/* Teaches what has come and whose mappings are known; the rest waits for the next time. */
void lsp_collector_teach(struct lsp_collector *c);

/* Compares the two records of each pair. Before the last fold: it resolves them. */
void lsp_collector_pairs_compare(struct lsp_collector *c);

/* Names the locks whose initialisation was recorded, and makes them ready to be looked for. */
void lsp_collector_births_name(struct lsp_collector *c);

/* Whether so much has gathered that folding is due. */
bool lsp_collector_fold_due(const struct lsp_collector *c);

#endif
