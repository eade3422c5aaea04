/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of distinct byte strings: equal bytes, one id. Ids are dense, start
 * at 0 and follow the order of first appearance, so they do not depend on the
 * hash. The copies never move, are aligned to 8 bytes and live until _uninit.
 */
#ifndef LSP_PROFILE_INTERN_H
#define LSP_PROFILE_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct lsp_intern_slot;
struct lsp_intern_chunk;

struct lsp_intern {
	const void **items;		/* by id */
	uint32_t count;
	uint32_t capacity;
	struct lsp_intern_slot *slots;
	uint32_t nslots;		/* power of two, or 0 */
	struct lsp_intern_chunk *chunks;
	size_t chunk_used;		/* bytes of the newest chunk */
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

/* A 64-bit hash that is the same in every run. */
uint64_t lsp_intern_hash(uint64_t seed, const void *data, size_t bytes);

#endif
