/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LSP_COLLECT_COMPACT_H
#define LSP_COLLECT_COMPACT_H

struct lsp_collector;

/* Frees the stacks, locks and rows that no new event uses, where there are many. */
int lsp_collector_compact(struct lsp_collector *c);

#endif
