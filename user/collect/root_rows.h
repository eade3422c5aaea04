/* SPDX-License-Identifier: GPL-2.0-only */
/* The roots of blame in the collector's terms: stacks and names of locks. */
#ifndef LSP_COLLECT_ROOT_ROWS_H
#define LSP_COLLECT_ROOT_ROWS_H

#include "roles/notes.h"
#include "roles/parked.h"
#include "roots/sums.h"
#include "rows.h"

struct lsp_collector;

/*
 * When the roles of all keys are known. _begin groups the events that were kept. _virtual moves those of a wait on a parked
 * word to its virtual key, and _parts says what the releaser of that wait did. _find makes the sums. 0 or -ENOMEM.
 */
int lsp_collector_roots_begin(struct lsp_collector *c);
void lsp_collector_roots_virtual(struct lsp_collector *c, const struct lsp_wait *w);
void lsp_collector_roots_parts(struct lsp_collector *c, const struct lsp_wait *w, const struct lockspan_why_part *parts,
			       size_t n);
int lsp_collector_roots_find(struct lsp_collector *c);

#endif
