/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual keys: which waits on words that belong to threads were waits for one
 * lock. Such a lock goes from hand to hand, so whoever got it by a wait and
 * then ends another's wait has passed it on.
 */
#ifndef LSP_COLLECT_CHAINS_H
#define LSP_COLLECT_CHAINS_H

#include "waits.h"

/*
 * Gives the @n @waits, of whose words each is a thread's, their groups, 0 and
 * up, in order of their first wait; waits without a lock in common with any
 * other have one each. @site_sets joins the sites (pairs.h), each its own at
 * first: a release at one that ends a wait at another shows that both belong
 * together. Waits must be in order of enq_ns. 0 or -ENOMEM.
 */
int lsp_chains_find(struct lsp_wait *waits, size_t n, uint32_t *site_sets, uint32_t *groups_ret);

#endif
