/* SPDX-License-Identifier: GPL-2.0-only */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

/* Chunks double, so that a small arena stays small. */
#define CHUNK_MIN_BYTES ((size_t)4 << 10)
#define CHUNK_MAX_BYTES ((size_t)1 << 20)

struct lsp_arena_chunk {
	struct lsp_arena_chunk *next;
	size_t used;
	size_t size;
	_Alignas(8) char data[];
};

void lsp_arena_uninit(struct lsp_arena *a)
{
	struct lsp_arena_chunk *c, *next;

	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
}

static struct lsp_arena_chunk *chunk_add(struct lsp_arena *a, size_t bytes)
{
	struct lsp_arena_chunk *c, *last = a->chunks;
	size_t usual = last ? last->size * 2 : CHUNK_MIN_BYTES;
	size_t size;

	usual = usual < CHUNK_MAX_BYTES ? usual : CHUNK_MAX_BYTES;
	size = bytes > usual / 4 ? bytes : usual;
	c = calloc(1, sizeof(*c) + size);
	if (!c)
		return NULL;
	c->size = size;
	/* A chunk of its own for something large does not become the current one. */
	if (last && size != usual) {
		c->next = last->next;
		last->next = c;
	} else {
		c->next = last;
		a->chunks = c;
	}
	return c;
}

void *lsp_arena_alloc(struct lsp_arena *a, size_t bytes)
{
	struct lsp_arena_chunk *c = a->chunks;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + 7) & ~(size_t)7;
	if (!c || c->size - c->used < bytes) {
		c = chunk_add(a, bytes);
		if (!c)
			return NULL;
	}
	c->used += bytes;
	return c->data + c->used - bytes;
}
