/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is only ever added to, and strings that are kept once each. What
 * it hands out never moves and lives until lsp_arena_uninit().
 */
#ifndef LSP_BASE_ARENA_H
#define LSP_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct lsp_arena_chunk;

/* All zero is empty. */
struct lsp_arena {
	struct lsp_arena_chunk *chunks;	/* newest first */
	const char **slots;		/* open addressing, NULL is free */
	size_t nslots;			/* power of two, or 0 */
	size_t count;			/* of strings */
	size_t bytes;			/* held, for whoever asks */
};

void lsp_arena_uninit(struct lsp_arena *t);

/* @bytes of zeroed memory, aligned to 8. NULL: no memory. */
void *lsp_arena_alloc(struct lsp_arena *t, size_t bytes);

/* The one copy of @string. NULL: no memory. */
const char *lsp_arena_intern(struct lsp_arena *t, const char *string);

/* The same, formatted as by printf. */
const char *lsp_arena_format(struct lsp_arena *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
