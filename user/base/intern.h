/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of distinct byte strings: equal bytes, one id. Ids are dense, start
 * at 0 and follow the order of first appearance, so they do not depend on the
 * hash. The copies never move, are aligned to 8 bytes, end in a NUL that is not
 * counted, and live until _uninit. A table belongs to one thread.
 */
#ifndef LSP_BASE_INTERN_H
#define LSP_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "index.h"

/* All zero is an empty table, too. */
struct lsp_intern {
	const void **items;		/* by id */
	uint32_t count;
	size_t room;
	struct lsp_index index;
	struct lsp_arena arena;		/* what else is to live as long as the table may be put here */
};

void lsp_intern_init(struct lsp_intern *t);
void lsp_intern_uninit(struct lsp_intern *t);

/* The id of these @bytes (0 is allowed), added if need be. -ENOMEM or -EOVERFLOW (4 GiB). */
int64_t lsp_intern_add(struct lsp_intern *t, const void *data, size_t bytes);

/* The id of these @bytes, or -ENOENT. */
int64_t lsp_intern_find(const struct lsp_intern *t, const void *data, size_t bytes);

/* The copy of @id, which must be below count; @bytes_ret may be NULL. */
const void *lsp_intern_get(const struct lsp_intern *t, uint32_t id, size_t *bytes_ret);

/* The id of a copy that lsp_intern_get() returned. */
uint32_t lsp_intern_id(const void *copy);

/* The one copy of @string. NULL: no memory. */
const char *lsp_intern_string(struct lsp_intern *t, const char *string);

/* The same, formatted as by printf. */
const char *lsp_intern_format(struct lsp_intern *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
