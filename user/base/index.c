// SPDX-License-Identifier: GPL-2.0-only
#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

void lsp_index_uninit(struct lsp_index *x)
{
	free(x->slots);
	memset(x, 0, sizeof(*x));
}

/*
 * A slot keeps 32 bits of the hash, and these alone decide its place. So the index grows without
 * knowing the keys.
 */
static uint32_t kept(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

static size_t home(uint32_t hash, size_t mask)
{
	return (size_t)(hash * 0x9e3779b97f4a7c15ULL >> 24) & mask;
}

uint32_t lsp_index_find(const struct lsp_index *x, uint64_t hash,
			bool (*equal)(const void *arg, uint32_t place, const void *key),
			const void *arg, const void *key)
{
	size_t mask = x->size - 1;
	uint32_t h = kept(hash);

	if (!x->size)
		return LSP_INDEX_NONE;
	for (size_t i = home(h, mask); x->slots[i].place != LSP_INDEX_NONE; i = (i + 1) & mask)
		if (x->slots[i].hash == h && equal(arg, x->slots[i].place, key))
			return x->slots[i].place;
	return LSP_INDEX_NONE;
}

static void slot_fill(struct lsp_index_slot *slots, size_t size, uint32_t hash, uint32_t place)
{
	size_t i = home(hash, size - 1);

	while (slots[i].place != LSP_INDEX_NONE)
		i = (i + 1) & (size - 1);
	slots[i].hash = hash;
	slots[i].place = place;
}

static int index_grow(struct lsp_index *x)
{
	size_t size = x->size ? x->size * 2 : FIRST_SIZE;
	struct lsp_index_slot *slots = malloc(size * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++)
		slots[i].place = LSP_INDEX_NONE;
	for (size_t i = 0; i < x->size; i++)
		if (x->slots[i].place != LSP_INDEX_NONE)
			slot_fill(slots, size, x->slots[i].hash, x->slots[i].place);
	free(x->slots);
	x->slots = slots;
	x->size = size;
	return 0;
}

int lsp_index_add(struct lsp_index *x, uint64_t hash, uint32_t place)
{
	int err;

	if (x->used >= x->size - x->size / 3) {
		err = index_grow(x);
		if (err)
			return err;
	}
	slot_fill(x->slots, x->size, kept(hash), place);
	x->used++;
	return 0;
}

uint64_t lsp_hash(const void *data, size_t bytes, uint64_t seed)
{
	uint64_t h = seed ^ (bytes * 0x9e3779b97f4a7c15ULL);
	const unsigned char *p = data;
	uint64_t word;

	/*
	 * Whole words are copied apart from the rest: a copy of a known length is one instruction.
	 */
	for (; bytes >= sizeof(word); bytes -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	if (bytes) {
		word = 0;
		memcpy(&word, p, bytes);
		h = (h ^ word) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 29;
}

int lsp_array_grow(void *array, size_t *room, size_t n, size_t size)
{
	void **at = array;
	size_t want;
	void *p;

	if (n < *room)
		return 0;
	want = *room ? *room * 2 : 16;
	p = reallocarray(*at, want, size);
	if (!p)
		return -ENOMEM;
	*at = p;
	*room = want;
	return 0;
}
