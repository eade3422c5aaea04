// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: two different things taken for one because their hashes are the
 * same (rare with few things, certain with many); a copy that moves or loses
 * its bytes when the table grows; ids that are not dense.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/base/intern.h"

#define KEYS 400000U

struct hashed {
	uint32_t hash;		/* as much of it as the table keeps */
	uint64_t key;
	size_t bytes;
};

static int hashed_compare(const void *left, const void *right)
{
	const struct hashed *a = left, *b = right;

	return (a->hash > b->hash) - (a->hash < b->hash);
}

/* Among 400,000 keys about 18 pairs have the same 32 bits of hash. */
static void test_collisions(void **state)
{
	struct hashed *h = malloc(KEYS * sizeof(*h));
	struct lsp_intern t;
	unsigned int i, pairs = 0;
	uint64_t hash;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		h[i].key = i;
		h[i].bytes = i % 4 ? 8 : 4;
		hash = lsp_hash(&h[i].key, h[i].bytes, 0);
		h[i].hash = (uint32_t)(hash ^ hash >> 32);
	}
	qsort(h, KEYS, sizeof(*h), hashed_compare);
	for (i = 1; i < KEYS; i++) {
		int64_t a, b;

		if (h[i].hash != h[i - 1].hash)
			continue;
		pairs++;
		lsp_intern_init(&t);
		a = lsp_intern_add(&t, &h[i].key, h[i].bytes);
		assert_int_equal(lsp_intern_find(&t, &h[i - 1].key, h[i - 1].bytes), -ENOENT);
		b = lsp_intern_add(&t, &h[i - 1].key, h[i - 1].bytes);
		assert_int_equal(a, 0);
		assert_int_equal(b, 1);
		assert_int_equal(lsp_intern_add(&t, &h[i].key, h[i].bytes), 0);
		assert_int_equal(lsp_intern_find(&t, &h[i - 1].key, h[i - 1].bytes), 1);
		lsp_intern_uninit(&t);
	}
	assert_in_range(pairs, 5, 100);
	free(h);
}

static void test_all_kept(void **state)
{
	struct lsp_intern t;
	const void **copies = malloc(KEYS * sizeof(*copies));
	unsigned int i;
	size_t bytes;

	(void)state;
	lsp_intern_init(&t);
	assert_int_equal(lsp_intern_find(&t, "x", 1), -ENOENT);
	for (i = 0; i < KEYS; i++) {
		assert_int_equal(lsp_intern_add(&t, &i, sizeof(i)), i);
		copies[i] = lsp_intern_get(&t, i, NULL);
	}
	for (i = 0; i < KEYS; i++) {
		assert_int_equal(lsp_intern_add(&t, &i, sizeof(i)), i);
		assert_int_equal(lsp_intern_find(&t, &i, sizeof(i)), i);
		assert_ptr_equal(lsp_intern_get(&t, i, &bytes), copies[i]);
		assert_int_equal(bytes, sizeof(i));
		assert_memory_equal(copies[i], &i, sizeof(i));
		assert_int_equal(lsp_intern_id(copies[i]), i);
		assert_int_equal((uintptr_t)copies[i] % 8, 0);
	}
	assert_int_equal(t.count, KEYS);
	lsp_intern_uninit(&t);
	free(copies);
}

/* Lengths: none, one that fills a chunk, one that needs its own; a prefix is another thing. */
static void test_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 7, 8, 9, 4096, 5000, 3 << 20, 2 };
	unsigned char *data = malloc(4 << 20);
	const size_t count = sizeof(lengths) / sizeof(lengths[0]);
	struct lsp_intern t;
	size_t i, bytes, round;

	(void)state;
	for (i = 0; i < 4 << 20; i++)
		data[i] = (unsigned char)(i * 7);
	lsp_intern_init(&t);
	for (round = 0; round < 2; round++)
		for (i = 0; i < count; i++) {
			assert_int_equal(lsp_intern_add(&t, lengths[i] ? data : NULL, lengths[i]), i);
			assert_memory_equal(lsp_intern_get(&t, (uint32_t)i, &bytes), data, lengths[i]);
			assert_int_equal(bytes, lengths[i]);
		}
	assert_int_equal(lsp_intern_add(&t, data, (size_t)UINT32_MAX + 1), -EOVERFLOW);
	lsp_intern_uninit(&t);
	free(data);
}

static void test_strings(void **state)
{
	struct lsp_intern t = { 0 };
	const char *a, *b;
	char text[32];

	(void)state;
	a = lsp_intern_string(&t, "worker-abcdefghi");
	b = lsp_intern_get(&t, (uint32_t)lsp_intern_add(&t, "worker-abcdefghij", 16), NULL);
	assert_ptr_equal(a, b);
	assert_string_equal(b, "worker-abcdefghi");
	assert_ptr_not_equal(lsp_intern_string(&t, "worker"), a);
	assert_string_equal(lsp_intern_string(&t, ""), "");
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 10000; i++) {
			snprintf(text, sizeof(text), "name %d", i);
			assert_string_equal(lsp_intern_format(&t, "name %d", i), text);
		}
	assert_int_equal(t.count, 10003);
	lsp_intern_uninit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_all_kept),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
