// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a draw that keeps too much or too little (a "<=" for "<", the
 * low bits of the generator, a product cut at 64 bits), draws where none is
 * due, a generator that has stuck or that starts alike on every CPU.
 * sources: kmod/core/sample.c
 * libs: -lm
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../../kmod/core/sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_generator(void **state)
{
	struct lsp_random r = { .state = 1 };
	u64 x = 1;

	(void)state;
	/* The first output for state 1 by the definition, worked out apart. */
	assert_int_equal(lsp_random_next(&r), 5180492295206395165ULL);
	for (int i = 0; i < 1000; i++) {
		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		assert_int_equal(r.state, x);
		lsp_random_next(&r);
	}
}

/* Any seed starts, 0 and the one that scrambles to 0 too, and neighbours start far apart. */
static void test_seeds(void **state)
{
	unsigned int flips = 0;
	u64 before = 0;

	(void)state;
	for (u64 seed = 0; seed <= 10000; seed++) {
		struct lsp_random r;
		u64 first;

		lsp_random_init(&r, seed);
		assert_true(r.state != 0);
		first = lsp_random_next(&r);
		flips += seed ? __builtin_popcountll(first ^ before) : 0;
		before = first;
	}
	/* Half of the 64 bits; the mean's standard deviation is 4 / sqrt(10000). */
	assert_true(fabs(flips / 10000.0 - 32) <= 3 * 0.04);
	for (u64 i = 0; i < 2; i++) {
		struct lsp_random r;

		lsp_random_init(&r, i ? ~0ULL : 0ULL - 0x9e3779b97f4a7c15ULL);
		assert_true(r.state != 0);
	}
}

/* Where the answer is certain, the generator is left alone. */
static void test_no_draw(void **state)
{
	struct lsp_random r;
	u64 before;

	(void)state;
	lsp_random_init(&r, 3);
	before = r.state;
	assert_false(lsp_sample_block(&r, 5, 0));
	assert_false(lsp_sample_block(&r, ~0ULL, 0));
	assert_true(lsp_sample_block(&r, 0, 1));
	assert_true(lsp_sample_block(&r, 1, 1));
	assert_true(lsp_sample_block(&r, ~0ULL, 1));
	assert_true(lsp_sample_block(&r, 1000, 1000));
	assert_true(lsp_sample_block(&r, 1001, 1000));
	assert_true(lsp_sample_block(&r, ~0ULL, ~0ULL));
	assert_false(lsp_sample_mutex(&r, 0));
	assert_true(lsp_sample_mutex(&r, 1));
	assert_int_equal(r.state, before);

	lsp_sample_block(&r, 999, 1000);
	assert_true(r.state != before);
	before = r.state;
	lsp_sample_mutex(&r, 2);
	assert_true(r.state != before);
}

/* Each decision against the draw in 128 bits, from the same state. */
static void test_against_wide_product(void **state)
{
	static const u64 rates[] = {
		2, 3, 7, 1000, 10000, 1000000, 0xffffffff, 0x100000000, 0x100000001,
		1ULL << 40, (1ULL << 63) - 1, 1ULL << 63, ~0ULL,
	};
	struct lsp_random r, copy;

	(void)state;
	lsp_random_init(&r, 11);
	for (size_t i = 0; i < COUNT(rates); i++) {
		for (int n = 0; n < 20000; n++) {
			u64 rate = rates[i], draw;
			u32 fraction = rate > 0xffffffff ? 0xffffffff : rate;

			copy = r;
			draw = (unsigned __int128)lsp_random_next(&copy) * rate >> 64;
			assert_true(draw < rate);
			/* Exactly at the edge: the draw itself loses, one more wins. */
			copy = r;
			assert_true(draw == 0 || !lsp_sample_block(&copy, draw, rate));
			copy = r;
			assert_true(lsp_sample_block(&copy, draw + 1, rate));
			copy = r;
			draw = (unsigned __int128)lsp_random_next(&copy) * fraction >> 64;
			assert_int_equal(lsp_sample_mutex(&r, fraction), draw == 0);
		}
	}
}

static void check_share(unsigned int kept, unsigned int draws, double p)
{
	double sigma = sqrt(p * (1 - p) * draws);

	assert_true(fabs(kept - p * draws) <= 3 * sigma);
}

/* A million draws each: the share kept is d / R and 1 / N to within 3 standard deviations. */
static void test_shares(void **state)
{
	static const struct {
		u64 delay_ns, rate_ns;
	} waits[] = {
		{ 0, 10 }, { 1, 10 }, { 9, 10 }, { 1, 2 }, { 250, 1000 }, { 999000, 1000000 },
		{ 1000, 1000000 }, { 1ULL << 62, 1ULL << 63 }, { 3, 10000 },
	};
	static const u32 fractions[] = { 2, 3, 10, 100, 1000, 65536 };
	enum { DRAWS = 1000000 };
	struct lsp_random r;

	(void)state;
	lsp_random_init(&r, 5);
	for (size_t i = 0; i < COUNT(waits); i++) {
		double delay = waits[i].delay_ns ? waits[i].delay_ns : 1;
		unsigned int kept = 0;

		for (int n = 0; n < DRAWS; n++)
			kept += lsp_sample_block(&r, waits[i].delay_ns, waits[i].rate_ns);
		check_share(kept, DRAWS, delay / waits[i].rate_ns);
	}
	for (size_t i = 0; i < COUNT(fractions); i++) {
		unsigned int kept = 0;

		for (int n = 0; n < DRAWS; n++)
			kept += lsp_sample_mutex(&r, fractions[i]);
		check_share(kept, DRAWS, 1.0 / fractions[i]);
	}
}

/* One decision tells nothing of the next: pairs and triples come as often as chance has them. */
static void test_independence(void **state)
{
	enum { DRAWS = 1000000 };
	unsigned int pairs = 0, triples = 0, mixed = 0;
	struct lsp_random r;
	bool last = false, before = false;

	(void)state;
	lsp_random_init(&r, 8);
	for (int n = 0; n < DRAWS; n++) {
		bool kept = lsp_sample_mutex(&r, 10);

		pairs += kept && last;
		triples += kept && last && before;
		before = last;
		last = kept;
	}
	for (int n = 0; n < DRAWS; n++) {
		bool block = lsp_sample_block(&r, 100, 1000);

		mixed += lsp_sample_mutex(&r, 10) && block;
	}
	check_share(pairs, DRAWS, 0.01);
	check_share(triples, DRAWS, 0.001);
	check_share(mixed, DRAWS, 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generator),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_no_draw),
		cmocka_unit_test(test_against_wide_product),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_independence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
