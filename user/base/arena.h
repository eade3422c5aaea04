/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is only ever added to. What it hands out never moves and lives until lsp_arena_uninit(). */
#ifndef LSP_BASE_ARENA_H
#define LSP_BASE_ARENA_H

#include <stddef.h>

struct lsp_arena_chunk;

/* All zero is empty. */
struct lsp_arena {
	struct lsp_arena_chunk *chunks;	/* the current one first */
};

void lsp_arena_uninit(struct lsp_arena *a);

/* @bytes of zeroed memory, aligned to 8. NULL: no memory. */
void *lsp_arena_alloc(struct lsp_arena *a, size_t bytes);

#endif
