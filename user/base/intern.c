// SPDX-License-Identifier: GPL-2.0-only
/* Each copy stands behind a header with its id and its length. */
#include "intern.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
	uint32_t id;
	uint32_t bytes;
	unsigned char data[];
};

struct key {
	const void *data;
	size_t bytes;
};

void lsp_intern_init(struct lsp_intern *t)
{
	memset(t, 0, sizeof(*t));
}

void lsp_intern_uninit(struct lsp_intern *t)
{
	free(t->items);
	lsp_index_uninit(&t->index);
	lsp_arena_uninit(&t->arena);
	memset(t, 0, sizeof(*t));
}

static const struct item *item_of(const void *copy)
{
	return (const struct item *)((const unsigned char *)copy - offsetof(struct item, data));
}

static bool item_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_intern *t = arg;
	const struct item *item = item_of(t->items[place]);
	const struct key *k = key;

	return item->bytes == k->bytes && !memcmp(item->data, k->data, k->bytes);
}

int64_t lsp_intern_find(const struct lsp_intern *t, const void *data, size_t bytes)
{
	const struct key key = { .data = bytes ? data : "", .bytes = bytes };
	uint32_t id = lsp_index_find(&t->index, lsp_hash(key.data, bytes, 0), item_equal, t, &key);

	return id == LSP_INDEX_NONE ? -ENOENT : (int64_t)id;
}

int64_t lsp_intern_add(struct lsp_intern *t, const void *data, size_t bytes)
{
	int64_t known = bytes > UINT32_MAX ? -EOVERFLOW : lsp_intern_find(t, data, bytes);
	struct item *item;

	if (known != -ENOENT)
		return known;
	if (t->count >= UINT32_MAX / 2)
		return -EOVERFLOW;
	if (lsp_array_grow(&t->items, &t->room, t->count, sizeof(*t->items)))
		return -ENOMEM;
	item = lsp_arena_alloc(&t->arena, sizeof(*item) + bytes + 1);
	if (!item || lsp_index_add(&t->index, lsp_hash(bytes ? data : "", bytes, 0), t->count))
		return -ENOMEM;
	item->id = t->count;
	item->bytes = (uint32_t)bytes;
	if (bytes)
		memcpy(item->data, data, bytes);
	t->items[t->count++] = item->data;
	return item->id;
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

const char *lsp_intern_string(struct lsp_intern *t, const char *string)
{
	int64_t id = lsp_intern_add(t, string, strlen(string));

	return id < 0 ? NULL : t->items[id];
}

const char *lsp_intern_format(struct lsp_intern *t, const char *format, ...)
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
	ret = lsp_intern_string(t, string);
	free(string);
	return ret;
}
