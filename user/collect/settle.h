/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a recording, when all evidence is there: the roles of the keys, and the virtual keys. */
#ifndef LSP_COLLECT_SETTLE_H
#define LSP_COLLECT_SETTLE_H

struct lsp_collector;

/* After the last fold: finds what each key is used for, and gives the events on parked words to virtual keys. */
int lsp_collector_roles_find(struct lsp_collector *c);

#endif
