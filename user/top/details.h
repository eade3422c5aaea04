/* SPDX-License-Identifier: GPL-2.0-only */
/* One lock of a live view: who waits for it, who holds it, why the holds were long, and the heaviest stack of each side. */
#ifndef LSP_TOP_DETAILS_H
#define LSP_TOP_DETAILS_H

#include <stdio.h>

#include "look.h"

/* Leaves errors in @to; ask ferror(). */
void lsp_top_details_write(FILE *to, const struct lsp_top_look *l, const struct lsp_top_lock *lock);

#endif
