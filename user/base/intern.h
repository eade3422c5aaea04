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

/* An empty table may also be all zero. */
struct lsp_intern {
	const void **items;		/* by id */
	uint32_t count;
	size_t room;
	struct lsp_index index;
	struct lsp_arena arena;		/* the copies; the owner may add what must live as long */
};

void lsp_intern_init(struct lsp_intern *t);
void lsp_intern_uninit(struct lsp_intern *t);

/*
 * Returns the id of these @bytes bytes (0 is allowed), and adds them if they are new. Or -ENOMEM,
 * or -EOVERFLOW beyond 4 GiB.
 */
int64_t lsp_intern_add(struct lsp_intern *t, const void *data, size_t bytes);

/* Returns the id of these @bytes bytes, or -ENOENT if they are not in the table. */
int64_t lsp_intern_find(const struct lsp_intern *t, const void *data, size_t bytes);

/* Returns the copy with this @id, which must be below count. @bytes_ret may be NULL. */
const void *lsp_intern_get(const struct lsp_intern *t, uint32_t id, size_t *bytes_ret);

/* Returns the id of a copy that lsp_intern_get() has returned. */
uint32_t lsp_intern_id(const void *copy);

/* Returns the one copy of @string. NULL: no memory. */
const char *lsp_intern_string(struct lsp_intern *t, const char *string);

/* The same for a string that is formatted as by printf. */
const char *lsp_intern_format(struct lsp_intern *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
