/* SPDX-License-Identifier: GPL-2.0-only */
/* How mappings are put into the worker's ring. Worker only; what finds no room is counted. */
#ifndef _LSP_MAPREC_H
#define _LSP_MAPREC_H

#include <linux/mm.h>
#include <linux/types.h>

#include "change.h"

/* The mappings that a record speaks of. */
struct lsp_maprec {
	u32 tgid;
	u32 generation;
	char *buffer;		/* PATH_MAX bytes, for paths */
};

/* One change, with its base. */
void lsp_maprec_change(const struct lsp_maprec *m, const struct lsp_change *c);

/*
 * The whole set, of a memory map that is locked for reading. The executable
 * ranges go to @ret too, at most @room of them; their number.
 */
u32 lsp_maprec_set(const struct lsp_maprec *m, struct mm_struct *mm, struct lsp_laid *ret, u32 room);

/* Stands for a set that cannot be read any more. */
void lsp_maprec_gone(const struct lsp_maprec *m);

#endif
