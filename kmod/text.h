/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A text: the ranges of addresses that are executable in one generation of a process. Makes a text from the one before
 * and from changes, and frees it. The stack filter and the notes of changes of mappings look it up.
 */
#ifndef _LSP_TEXT_H
#define _LSP_TEXT_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "change.h"
#include "core/laid.h"
#include "core/sparse.h"

/* A text has at most so many ranges. */
#define LSP_TEXT_MAX 65536

/* The ranges that are executable in a generation, or were so earlier and have not been replaced since. */
struct lsp_text {
	struct rcu_head rcu;
	size_t bytes;
	u32 generation;
	u32 n;
	struct lsp_laid *laid;		/* the same ranges, with their contents */
	struct lsp_range ranges[];
};

/*
 * Makes a text of @old (may be NULL), the first @n of @changes, and the ranges in @read (may be NULL). The caller fills
 * in the generation. Process context, may sleep. Returns NULL if there is no memory.
 */
struct lsp_text *lsp_text_make(const struct lsp_text *old, const struct lsp_change *changes, u32 n,
			       const struct lsp_laid *read, u32 nread);

/*
 * Readers may still use @text (may be NULL), so it is freed after a grace period. Nobody waits for that. Makers and
 * freers are one at a time.
 */
void lsp_text_free(struct lsp_text *text);

/* Memory of all texts that have been made and not freed. */
u64 lsp_text_memory(void);

#endif
