/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts records of mappings into the worker's ring. Only the worker does that. Records without room
 * are counted.
 */
#ifndef _LSP_MAPREC_H
#define _LSP_MAPREC_H

#include <linux/mm.h>
#include <linux/types.h>

#include "change.h"

/* Whose mappings a record describes. */
struct lsp_maprec {
	u32 tgid;
	u32 generation;
	char *buffer;		/* room of PATH_MAX bytes for a path */
};

/* Sends one change, with its base. */
void lsp_maprec_change(const struct lsp_maprec *m, const struct lsp_change *c);

/*
 * Sends all mappings of @mm, which is locked for reading. Also writes at most @room executable
 * ranges to @ret, and returns their number.
 */
u32 lsp_maprec_set(const struct lsp_maprec *m, struct mm_struct *mm, struct lsp_laid *ret, u32 room);

/* Sends a record that stands for mappings that can no longer be read. */
void lsp_maprec_gone(const struct lsp_maprec *m);

#endif
