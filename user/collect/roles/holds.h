/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What releasers on virtual keys did. The module splits the charges of words. The charges of virtual keys are others: each
 * begins at another time, and more threads wait for it. So each part is weighed again.
 */
#ifndef LSP_COLLECT_HOLDS_H
#define LSP_COLLECT_HOLDS_H

#include "notes.h"
#include "parked.h"

/*
 * Calls @take for each release of a wait in @p that is charged with something, with the parts of its hold_ns, which they
 * come to. A thread that waited for another virtual key has that one's key as the part's what. 0, -ENOMEM, or what @take
 * returns.
 */
int lsp_holds_divide(struct lsp_parked *p, const struct lsp_notes *notes,
		     int (*take)(void *arg, uint32_t wait, const struct lockspan_why_part *parts, size_t n), void *arg);

#endif
