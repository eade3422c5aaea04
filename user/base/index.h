/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash index: it finds the place of an element in an array that the caller keeps. It uses open
 * addressing, grows, and never shrinks. It knows neither keys nor elements. All tables of capture/
 * and collect/ use it. The hash function, and the growth of arrays, are declared here, too.
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

/*
 * Returns the place of the element of which @equal says that it has the key @key, or
 * LSP_INDEX_NONE.
 */
uint32_t lsp_index_find(const struct lsp_index *x, uint64_t hash,
			bool (*equal)(const void *arg, uint32_t place, const void *key),
			const void *arg, const void *key);

/*
 * Notes that an element with @hash is at @place. It must not be in the index yet. Returns 0 or
 * -ENOMEM.
 */
int lsp_index_add(struct lsp_index *x, uint64_t hash, uint32_t place);

/* Returns a hash of @bytes bytes. Whoever chooses the bytes can make hashes collide. */
uint64_t lsp_hash(const void *data, size_t bytes, uint64_t seed);

/*
 * Makes room for one more element in *@array, which has @n elements of @size bytes and room for
 * *@room. Returns 0 or -ENOMEM.
 */
int lsp_array_grow(void *array, size_t *room, size_t n, size_t size);

#endif
