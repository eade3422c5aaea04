/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a hash to the place of an element in an array of the caller's: open
 * addressing, grows, never shrinks. Knows neither keys nor elements; all
 * tables of capture/ and of the collector stand on it.
 */
#ifndef LSP_BASE_INDEX_H
#define LSP_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LSP_INDEX_NONE UINT32_MAX

struct lsp_index_slot {
	uint32_t hash;
	uint32_t place;		/* LSP_INDEX_NONE: free */
};

/* All zero is an empty index. */
struct lsp_index {
	struct lsp_index_slot *slots;
	size_t size;
	size_t used;
};

void lsp_index_uninit(struct lsp_index *x);

/* The place whose element @equal says is @key's, or LSP_INDEX_NONE. */
uint32_t lsp_index_find(const struct lsp_index *x, uint64_t hash,
			bool (*equal)(const void *arg, uint32_t place, const void *key),
			const void *arg, const void *key);

/* Notes that an element with @hash stands at @place; it must not be there yet. 0 or -ENOMEM. */
int lsp_index_add(struct lsp_index *x, uint64_t hash, uint32_t place);

/* Hash of @bytes bytes; not for adversaries. */
uint64_t lsp_hash(const void *data, size_t bytes, uint64_t seed);

/* Room for one more in an array of @n elements of @size bytes whose capacity is *@room. 0 or -ENOMEM. */
int lsp_array_grow(void *array, size_t *room, size_t n, size_t size);

#endif
