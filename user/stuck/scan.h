/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks for deadlocks in processes that live: in /proc and in their memory, without stopping them. */
#ifndef LSP_STUCK_SCAN_H
#define LSP_STUCK_SCAN_H

#include "cycle.h"

/*
 * Finds the deadlocks of the @n processes @tgids. What cannot be read is left out, for example a process of another user.
 * Takes some 10 us for each thread, and 20 ms more if there seems to be a deadlock. 0 or -ENOMEM.
 */
int lsp_stuck_find(const uint32_t *tgids, size_t n, struct lsp_stuck *ret);

/* The same for all processes that this one may read. */
int lsp_stuck_find_all(struct lsp_stuck *ret);

/* How many children the first thread of @tgid has; puts @max of them into @children. */
size_t lsp_stuck_children(uint32_t tgid, uint32_t *children, size_t max);

#endif
