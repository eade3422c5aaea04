/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is only ever added to, and strings that are kept once each. What
 * it hands out never moves and lives until lsp_text_uninit().
 */
#ifndef LSP_RESOLVE_TEXT_H
#define LSP_RESOLVE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct lsp_text_chunk;

/* All zero is empty. */
struct lsp_text {
	struct lsp_text_chunk *chunks;	/* newest first */
	const char **slots;		/* open addressing, NULL is free */
	size_t nslots;			/* power of two, or 0 */
	size_t count;			/* of strings */
	size_t bytes;			/* held, for whoever asks */
};

void lsp_text_uninit(struct lsp_text *t);

/* @bytes of zeroed memory, aligned to 8. NULL: no memory. */
void *lsp_text_alloc(struct lsp_text *t, size_t bytes);

/* The one copy of @string. NULL: no memory. */
const char *lsp_text_intern(struct lsp_text *t, const char *string);

/* The same, formatted as by printf. */
const char *lsp_text_format(struct lsp_text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
