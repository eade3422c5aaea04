/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns sums by captured stack into sums by trace and lock, for collector.c: resolves the stacks, moves their sums, and
 * names the locks that were initialised in sight of the recorder. Teaches the module the rules of copied stacks.
 */
#ifndef LSP_COLLECT_FOLD_H
#define LSP_COLLECT_FOLD_H

#include <stdbool.h>

#include "state.h"

/*
 * Resolves the stacks that can be and moves their sums from pending to
 * resolved. @last: nothing more will come, so resolve with what there is.
 */
int lsp_collector_fold(struct lsp_collector *c, bool last);

/* Teaches the rules of the stacks whose mappings are known. Other stacks wait for the next call. */
void lsp_collector_teach(struct lsp_collector *c);

/* Compares the two records of each pair. To be called before the last fold, because it resolves them. */
void lsp_collector_pairs_compare(struct lsp_collector *c);

/* Names the locks whose initialisation was recorded, and makes these names ready to be looked up. */
void lsp_collector_births_name(struct lsp_collector *c);

/* Whether so many events have gathered that it is time to fold. */
bool lsp_collector_fold_due(const struct lsp_collector *c);

/* Class of a row by its own record and stack. */
enum lsp_sync lsp_collector_own_class(const struct lsp_collector *c, uint32_t kind, uint32_t trace);

/* Drops a resolved row's key, unless what the key is used for is still to be told from it. */
void lsp_collector_row_key(const struct lsp_collector *c, struct lsp_aggregate_key *key);

/* Lock wait of a resolved row, for whoever looks for the worst lock. */
void lsp_collector_row_wait_add(struct lsp_collector *c, const struct lsp_aggregate_key *key,
				const struct lsp_sums *sums);

#endif
