// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open addressing over 8-byte slots (hash, id); the bytes lie in chunks that
 * are never reallocated, each behind a header with its id and length. Not
 * locked: a table belongs to one thread.
 */
#include "intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct lsp_intern_slot {
	uint32_t hash;
	uint32_t id_plus_1;		/* 0: free */
};

struct lsp_intern_chunk {
	struct lsp_intern_chunk *next;
	size_t bytes;
	unsigned char data[];
};

struct item {
	uint32_t id;
	uint32_t bytes;
	unsigned char data[];
};

#define CHUNK_MIN_BYTES 4096
#define CHUNK_MAX_BYTES (1024 * 1024)

uint64_t lsp_intern_hash(uint64_t seed, const void *data, size_t bytes)
{
	const unsigned char *at = data;
	uint64_t hash = (seed ^ bytes) * 0x9e3779b97f4a7c15ULL;

	while (bytes) {
		size_t part = bytes < 8 ? bytes : 8;
		uint64_t word = 0;

		memcpy(&word, at, part);
		hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32;
		at += part;
		bytes -= part;
	}
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 29;
}

void lsp_intern_init(struct lsp_intern *t)
{
	memset(t, 0, sizeof(*t));
}

void lsp_intern_uninit(struct lsp_intern *t)
{
	struct lsp_intern_chunk *chunk, *next;

	for (chunk = t->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(t->slots);
	free(t->items);
	memset(t, 0, sizeof(*t));
}

static int grow_items(struct lsp_intern *t)
{
	uint32_t capacity = t->capacity ? t->capacity + t->capacity / 2 : 16;
	const void **items;

	if (capacity >= UINT32_MAX / 2)
		return -EOVERFLOW;
	items = realloc(t->items, capacity * sizeof(*items));
	if (!items)
		return -ENOMEM;
	t->items = items;
	t->capacity = capacity;
	return 0;
}

static int grow_slots(struct lsp_intern *t)
{
	uint32_t nslots = t->nslots ? t->nslots * 2 : 32;
	struct lsp_intern_slot *slots = calloc(nslots, sizeof(*slots));
	uint32_t i, at;

	if (!slots)
		return -ENOMEM;
	for (i = 0; i < t->nslots; i++) {
		if (!t->slots[i].id_plus_1)
			continue;
		at = t->slots[i].hash & (nslots - 1);
		while (slots[at].id_plus_1)
			at = (at + 1) & (nslots - 1);
		slots[at] = t->slots[i];
	}
	free(t->slots);
	t->slots = slots;
	t->nslots = nslots;
	return 0;
}

/* Room for an item; chunks double up to 1 MiB so that small tables stay small. */
static struct item *item_alloc(struct lsp_intern *t, size_t bytes)
{
	size_t need = (sizeof(struct item) + bytes + 7) & ~(size_t)7;
	struct lsp_intern_chunk *chunk = t->chunks;
	size_t size;

	if (!chunk || chunk->bytes - t->chunk_used < need) {
		size = chunk && chunk->bytes < CHUNK_MAX_BYTES ? chunk->bytes * 2 : CHUNK_MIN_BYTES;
		if (chunk && chunk->bytes >= CHUNK_MAX_BYTES)
			size = CHUNK_MAX_BYTES;
		if (size < need)
			size = need;
		chunk = malloc(sizeof(*chunk) + size);
		if (!chunk)
			return NULL;
		chunk->next = t->chunks;
		chunk->bytes = size;
		t->chunks = chunk;
		t->chunk_used = 0;
	}
	t->chunk_used += need;
	return (struct item *)(chunk->data + t->chunk_used - need);
}

/* The slot that holds these bytes, or the free one where they belong. */
static struct lsp_intern_slot *slot_find(const struct lsp_intern *t, uint32_t hash,
					 const void *data, size_t bytes)
{
	uint32_t at = hash & (t->nslots - 1);
	struct lsp_intern_slot *slot;
	const void *copy;
	size_t have;

	for (;; at = (at + 1) & (t->nslots - 1)) {
		slot = &t->slots[at];
		if (!slot->id_plus_1)
			return slot;
		if (slot->hash != hash)
			continue;
		copy = lsp_intern_get(t, slot->id_plus_1 - 1, &have);
		if (have == bytes && !memcmp(copy, data, bytes))
			return slot;
	}
}

int64_t lsp_intern_add(struct lsp_intern *t, const void *data, size_t bytes)
{
	struct lsp_intern_slot *slot;
	struct item *item;
	uint32_t hash;
	int ret;

	if (bytes > UINT32_MAX)
		return -EOVERFLOW;
	if (!bytes)
		data = "";
	if (t->count == t->capacity) {
		ret = grow_items(t);
		if (ret)
			return ret;
	}
	if (t->count >= t->nslots / 4 * 3) {
		ret = grow_slots(t);
		if (ret)
			return ret;
	}
	hash = (uint32_t)lsp_intern_hash(0, data, bytes);
	slot = slot_find(t, hash, data, bytes);
	if (slot->id_plus_1)
		return slot->id_plus_1 - 1;
	item = item_alloc(t, bytes);
	if (!item)
		return -ENOMEM;
	item->id = t->count;
	item->bytes = (uint32_t)bytes;
	if (bytes)
		memcpy(item->data, data, bytes);
	t->items[t->count++] = item->data;
	slot->hash = hash;
	slot->id_plus_1 = t->count;
	return item->id;
}

int64_t lsp_intern_find(const struct lsp_intern *t, const void *data, size_t bytes)
{
	struct lsp_intern_slot *slot;

	if (!t->nslots)
		return -ENOENT;
	if (!bytes)
		data = "";
	slot = slot_find(t, (uint32_t)lsp_intern_hash(0, data, bytes), data, bytes);
	return slot->id_plus_1 ? (int64_t)slot->id_plus_1 - 1 : -ENOENT;
}

static const struct item *item_of(const void *copy)
{
	return (const struct item *)((const unsigned char *)copy - offsetof(struct item, data));
}

const void *lsp_intern_get(const struct lsp_intern *t, uint32_t id, size_t *bytes_ret)
{
	if (bytes_ret)
		*bytes_ret = item_of(t->items[id])->bytes;
	return t->items[id];
}

uint32_t lsp_intern_id(const void *copy)
{
	return item_of(copy)->id;
}
