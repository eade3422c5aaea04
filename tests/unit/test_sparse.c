/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holds the stack filter against a plain reading of its contract on random
 * windows. Would catch a word that is dropped although it points into text or
 * the window (the unwinder would go wrong), one that is kept although it does
 * not (user data would leave the process), a bitmap that does not match the
 * words, a fingerprint that does not depend on a text word or its place, and
 * one that two pairs of small numbers share.
 * sources: kmod/core/sparse.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kmod/core/sparse.h"

#define WORDS_MAX 2048
#define TEXT_MAX 40

static uint64_t seed = 88172645463325252ULL;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static bool in_ranges(uint64_t word, const struct lsp_range *text, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (word >= text[i].start && word < text[i].end)
			return true;
	return false;
}

static uint32_t draw_text(struct lsp_range *text)
{
	uint32_t n = draw() % TEXT_MAX;
	uint64_t at = 0x400000;

	for (uint32_t i = 0; i < n; i++) {
		/* Some touch, and one jump leads to where libraries live. */
		at += draw() % 4 ? draw() % 0x100000 : 0;
		if (i == n / 2)
			at += 0x7f0000000000;
		text[i].start = at;
		at += 0x1000 + draw() % 0x200000;
		text[i].end = at;
	}
	return n;
}

static uint64_t draw_word(const struct lsp_range *text, uint32_t n, uint64_t sp, uint32_t words)
{
	const struct lsp_range *r = n ? &text[draw() % n] : NULL;

	switch (draw() % 8) {
	case 0:
		return r ? r->start + draw() % (r->end - r->start) : 0;
	case 1:
		return r ? (draw() & 1 ? r->end : r->start - 1) : ~0ULL;
	case 2:
		return sp + draw() % (words * 8ULL + 16);
	case 3:
		return sp - 1 - draw() % 4096;
	case 4:
		return draw();
	default:
		return draw() % 100000;
	}
}

static void test_random_windows(void **state)
{
	static uint64_t window[WORDS_MAX], kept[WORDS_MAX], bitmap[WORDS_MAX / 64];
	struct lsp_range text[TEXT_MAX];

	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		uint32_t words = 1 + draw() % WORDS_MAX, ntext = draw_text(text), n, seen = 0;
		uint64_t sp = 0x7ffc00000000 + (draw() % 0x1000000) * 8, print = 1;

		for (uint32_t i = 0; i < words; i++)
			window[i] = draw_word(text, ntext, sp, words);
		memset(bitmap, 0xa5, sizeof(bitmap));
		n = lsp_sparse_filter(window, words, sp, text, ntext, bitmap, kept, &print);
		for (uint32_t i = 0; i < words; i++) {
			bool want = in_ranges(window[i], text, ntext) ||
				    (window[i] >= sp && window[i] < sp + words * 8ULL);

			assert_int_equal((bitmap[i / 64] >> (i % 64)) & 1, want);
			if (want)
				assert_true(kept[seen++] == window[i]);
		}
		assert_int_equal(n, seen);
		/* Bits past the window are clear. */
		for (uint32_t i = words; i < LSP_SPARSE_BITMAP_WORDS(words) * 64; i++)
			assert_int_equal((bitmap[i / 64] >> (i % 64)) & 1, 0);
	}
}

static uint64_t print_of(const uint64_t *window, uint32_t words, const struct lsp_range *text)
{
	uint64_t kept[64], bitmap[1], print = 42;

	lsp_sparse_filter(window, words, 0x7ffc00000000, text, 1, bitmap, kept, &print);
	return lsp_print_end(print);
}

static void test_fingerprint(void **state)
{
	const struct lsp_range text[] = { { 0x400000, 0x500000 } };
	uint64_t window[64] = { 0 }, base;

	(void)state;
	window[3] = 0x400100;
	window[9] = 0x400200;
	base = print_of(window, 64, text);
	assert_true(base >> 63);
	/* Data beside it does not matter: that is what makes stacks recur. */
	window[5] = 12345;
	window[6] = 0x7ffc00000010;
	assert_true(print_of(window, 64, text) == base);
	window[9] = 0x400201;
	assert_true(print_of(window, 64, text) != base);
	window[9] = 0;
	window[10] = 0x400200;
	assert_true(print_of(window, 64, text) != base);
	window[9] = window[3];
	window[3] = 0x400200;
	window[10] = 0;
	assert_true(print_of(window, 64, text) != base);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A million similar stacks, as programs have them: no two of them share a name. */
static void test_no_collisions(void **state)
{
	const struct lsp_range text[] = { { 0x400000, 0x500000 } };
	size_t n = 1000000, i;
	uint64_t *prints = malloc(n * sizeof(*prints)), window[16] = { 0 };

	(void)state;
	assert_non_null(prints);
	for (i = 0; i < n; i++) {
		window[1] = 0x400000 + i % 1000;
		window[7] = 0x400000 + i / 1000;
		prints[i] = print_of(window, 16, text);
	}
	qsort(prints, n, sizeof(*prints), compare);
	for (i = 1; i < n; i++)
		assert_true(prints[i] != prints[i - 1]);
	free(prints);
}

/* A generation and an address, or an inode and a device: from one to the next they differ by little. */
static void test_no_pairs_collide(void **state)
{
	static uint64_t prints[512 * 512];
	size_t n = 512 * 512, i;

	(void)state;
	for (i = 0; i < n; i++)
		prints[i] = lsp_print_end(lsp_print_fold(lsp_print_begin(i / 512), 0x7f0000001000 + i % 512));
	qsort(prints, n, sizeof(*prints), compare);
	for (i = 1; i < n; i++)
		assert_true(prints[i] != prints[i - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_windows),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_no_collisions),
		cmocka_unit_test(test_no_pairs_collide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
