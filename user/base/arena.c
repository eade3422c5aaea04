/* SPDX-License-Identifier: GPL-2.0-only */
/* An arena and a hash table of the strings in it. */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64U << 10)
#define SLOTS_MIN 256

struct lsp_arena_chunk {
	struct lsp_arena_chunk *next;
	size_t used;
	size_t size;
	_Alignas(8) char data[];
};

void lsp_arena_uninit(struct lsp_arena *t)
{
	struct lsp_arena_chunk *c, *next;

	for (c = t->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

void *lsp_arena_alloc(struct lsp_arena *t, size_t bytes)
{
	struct lsp_arena_chunk *c = t->chunks;
	void *ret;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + 7) & ~(size_t)7;
	if (!c || c->size - c->used < bytes) {
		size_t size = bytes > CHUNK_BYTES / 4 ? bytes : CHUNK_BYTES;

		c = calloc(1, sizeof(*c) + size);
		if (!c)
			return NULL;
		c->size = size;
		t->bytes += sizeof(*c) + size;
		/* a chunk of its own for something large must not end the current one */
		if (t->chunks && size != CHUNK_BYTES) {
			c->next = t->chunks->next;
			t->chunks->next = c;
		} else {
			c->next = t->chunks;
			t->chunks = c;
		}
	}
	ret = c->data + c->used;
	c->used += bytes;
	return ret;
}

static uint64_t hash_of(const char *string)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *string; string++)
		h = (h ^ (unsigned char)*string) * 0x100000001b3ULL;
	return h ^ h >> 29;
}

static const char **slot_of(const char **slots, size_t nslots, const char *string)
{
	size_t i = hash_of(string) & (nslots - 1);

	while (slots[i] && strcmp(slots[i], string))
		i = (i + 1) & (nslots - 1);
	return &slots[i];
}

static int slots_grow(struct lsp_arena *t)
{
	size_t i, n = t->nslots ? 2 * t->nslots : SLOTS_MIN;
	const char **slots;

	if (t->count < t->nslots / 2)
		return 0;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -1;
	for (i = 0; i < t->nslots; i++)
		if (t->slots[i])
			*slot_of(slots, n, t->slots[i]) = t->slots[i];
	free(t->slots);
	t->slots = slots;
	t->bytes += (n - t->nslots) * sizeof(*slots);
	t->nslots = n;
	return 0;
}

const char *lsp_arena_intern(struct lsp_arena *t, const char *string)
{
	size_t bytes = strlen(string) + 1;
	const char **slot;
	char *copy;

	if (slots_grow(t))
		return NULL;
	slot = slot_of(t->slots, t->nslots, string);
	if (!*slot) {
		copy = lsp_arena_alloc(t, bytes);
		if (!copy)
			return NULL;
		memcpy(copy, string, bytes);
		*slot = copy;
		t->count++;
	}
	return *slot;
}

const char *lsp_arena_format(struct lsp_arena *t, const char *format, ...)
{
	const char *ret;
	char *string;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&string, format, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	ret = lsp_arena_intern(t, string);
	free(string);
	return ret;
}
