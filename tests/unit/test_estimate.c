// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: weights that bias an estimate up or down, a variance that does
 * not belong to them, and above all intervals that promise 95 % and hold less:
 * with a plain normal interval the Pareto cases below are covered 35 to 75 %
 * of the time. Events are drawn by core/sample, as the module draws them.
 * sources: kmod/core/sample.c user/profile/estimate.c
 * libs: -lm
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../kmod/core/sample.h"
#include "../../user/profile/estimate.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum shape { EXPONENTIAL, PARETO };
static const char *const shape_names[] = { "exponential", "Pareto(1.2)" };

/* In whole ns, of mean about 5000 and 6000. */
static u64 wait_draw(struct lsp_random *r, enum shape shape)
{
	double u = ((lsp_random_next(r) >> 11) + 0.5) * 0x1p-53;

	return shape == EXPONENTIAL ? -5000 * log(u) : 1000 * pow(u, -1 / 1.2);
}

/* A block rate in ns, or a mutex fraction; the other is 0. */
struct sampling {
	u64 rate_ns;
	u32 fraction;
};

static void offer(struct lsp_estimate *e, struct lsp_random *r, u64 delay_ns, struct sampling s)
{
	if (s.fraction && lsp_sample_mutex(r, s.fraction))
		lsp_estimate_add_mutex(e, delay_ns, s.fraction);
	else if (!s.fraction && lsp_sample_block(r, delay_ns, s.rate_ns))
		lsp_estimate_add_block(e, delay_ns, s.rate_ns);
}

/* The examples are worked out by hand. */
static void test_contributions(void **state)
{
	static const struct {
		struct sampling sampling;
		u64 delay_ns;
		double probability, count, stands_ns;
	} cases[] = {
		{ { 1, 0 }, 0, 1, 1, 0 },
		{ { 1, 0 }, 7, 1, 1, 7 },
		{ { 0, 0 }, 7, 1, 1, 7 },
		{ { 1000, 0 }, 1000, 1, 1, 1000 },
		{ { 1000, 0 }, 4000, 1, 1, 4000 },
		{ { 1000, 0 }, 250, 0.25, 4, 1000 },
		{ { 1000, 0 }, 1, 0.001, 1000, 1000 },
		{ { 1000, 0 }, 0, 0.001, 1000, 0 },
		{ { 0, 1 }, 9, 1, 1, 9 },
		{ { 0, 10 }, 9, 0.1, 10, 90 },
		{ { 0, 10 }, 0, 0.1, 10, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sampling s = cases[i].sampling;
		struct lsp_contribution c = s.fraction
			? lsp_contribution_mutex(cases[i].delay_ns, s.fraction)
			: lsp_contribution_block(cases[i].delay_ns, s.rate_ns);

		assert_float_equal(c.probability, cases[i].probability, 1e-12);
		assert_float_equal(c.count, cases[i].count, 1e-9);
		assert_float_equal(c.delay_ns, cases[i].stands_ns, 1e-9);
	}
	assert_float_equal(lsp_contribution_mutex(5, 0).delay_ns, 5, 1e-12);
}

static void test_sums(void **state)
{
	struct lsp_estimate e = { 0 };

	(void)state;
	lsp_estimate_add_block(&e, 250, 1000);	/* v/p 1000, p 0.25 */
	lsp_estimate_add_block(&e, 500, 1000);	/* v/p 1000, p 0.5 */
	lsp_estimate_add_block(&e, 3000, 1000);
	assert_int_equal(e.kept, 3);
	assert_float_equal(e.count, 4 + 2 + 1, 1e-9);
	assert_float_equal(e.delay_ns, 5000, 1e-9);
	assert_float_equal(e.variance, 0.75e6 + 0.5e6, 1e-3);
	assert_float_equal(e.largest_ns, 3000, 1e-9);
}

/* What the first events give and what the rest gives, merged, is what all give. */
static void test_merge(void **state)
{
	struct lsp_estimate all = { 0 }, first = { 0 }, rest = { 0 };
	double low, high, low_merged, high_merged;
	struct lsp_random r;

	(void)state;
	lsp_random_init(&r, 21);
	for (int i = 0; i < 500; i++) {
		u64 charge_ns = wait_draw(&r, EXPONENTIAL);
		u32 fraction = i < 300 ? 10 : i < 400 ? 1 : 3;

		lsp_estimate_add_mutex(&all, charge_ns, fraction);
		lsp_estimate_add_mutex(i % 3 ? &first : &rest, charge_ns, fraction);
	}
	lsp_estimate_merge(&first, &rest);
	assert_int_equal(first.kept, all.kept);
	assert_float_equal(first.count, all.count, 1e-6);
	assert_float_equal(first.delay_ns, all.delay_ns, 1e-3);
	assert_float_equal(first.variance / all.variance, 1, 1e-9);
	assert_float_equal(first.largest_ns, all.largest_ns, 1e-9);
	assert_float_equal(first.certain_ns, all.certain_ns, 1e-9);
	assert_float_equal(first.largest_drawn_ns, all.largest_drawn_ns, 1e-9);
	assert_int_equal(first.with_delay, all.with_delay);
	assert_int_equal(first.drawn_releases, all.drawn_releases);
	assert_float_equal(first.unseen_releases, all.unseen_releases, 1e-6);
	assert_memory_equal(first.top_ns, all.top_ns, sizeof(all.top_ns));
	assert_int_equal(lsp_estimate_interval(&all, INFINITY, &low, &high), LSP_INTERVAL_SHOWN);
	assert_int_equal(lsp_estimate_interval(&first, INFINITY, &low_merged, &high_merged),
			 LSP_INTERVAL_SHOWN);
	assert_float_equal(low_merged / low, 1, 1e-9);
	assert_float_equal(high_merged / high, 1, 1e-9);
	for (int i = 1; i < LSP_ESTIMATE_TOP; i++)
		assert_true(all.top_ns[i - 1] >= all.top_ns[i]);
}

static void test_merge_block(void **state)
{
	struct lsp_estimate all = { 0 }, first = { 0 };

	(void)state;
	lsp_estimate_add_block(&first, 10, 100);
	lsp_estimate_add_block(&all, 20, 1000);
	lsp_estimate_add_block(&all, 2000, 1000);
	lsp_estimate_merge(&first, &all);
	assert_int_equal(first.kept, 3);
	assert_int_equal(first.with_delay, 3);
	assert_float_equal(first.certain_ns, 2000, 1e-9);
	assert_float_equal(first.delay_ns, 3100, 1e-9);
	assert_float_equal(first.largest_drawn_ns, 1000, 1e-9);
	assert_float_equal(first.block_rate_ns, 1000, 1e-9);
	assert_int_equal(first.ntop, 0);
}

static enum lsp_interval interval_of(const struct lsp_estimate *e)
{
	double low, high;
	enum lsp_interval interval = lsp_estimate_interval(e, INFINITY, &low, &high);

	if (interval == LSP_INTERVAL_TOO_FEW)
		assert_true(low == 0 && high == 0);
	else if (interval == LSP_INTERVAL_EXACT)
		assert_true(low == e->delay_ns && high == e->delay_ns);
	else
		assert_true(0 < low && low < e->delay_ns && e->delay_ns < high && isfinite(high));
	return interval;
}

static void test_who_gets_an_interval(void **state)
{
	struct lsp_estimate e = { 0 };

	(void)state;
	assert_int_equal(interval_of(&e), LSP_INTERVAL_EXACT);	/* nothing waited */
	lsp_estimate_add_block(&e, 7, 1);
	lsp_estimate_add_block(&e, 0, 1);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_EXACT);

	/* 199 releases and one without a charge are too few, 200 are enough. */
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 199; i++)
		lsp_estimate_add_mutex(&e, 100, 10);
	lsp_estimate_add_mutex(&e, 0, 10);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_TOO_FEW);
	lsp_estimate_add_mutex(&e, 100, 10);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_SHOWN);
	lsp_estimate_add_mutex(&e, 4900, 10);	/* of 24900: below a fifth */
	assert_int_equal(interval_of(&e), LSP_INTERVAL_SHOWN);
	lsp_estimate_add_mutex(&e, 6500, 10);	/* of 31400: above */
	assert_int_equal(interval_of(&e), LSP_INTERVAL_TOO_FEW);

	/* 29 waits and one without a delay are too few, 30 are enough. */
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 29; i++)
		lsp_estimate_add_block(&e, 500, 1000);
	lsp_estimate_add_block(&e, 0, 1000);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_TOO_FEW);
	lsp_estimate_add_block(&e, 500, 1000);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_SHOWN);

	/* A wait beyond the rate is certain, however large its share. */
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 30; i++)
		lsp_estimate_add_block(&e, 500, 1000);
	lsp_estimate_add_block(&e, 1000000, 1000);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_SHOWN);

	/* Certain charges of another time do not stand in for drawn ones. */
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 1000; i++)
		lsp_estimate_add_mutex(&e, 100, 1);
	lsp_estimate_add_mutex(&e, 100, 10);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_TOO_FEW);
}

/* Nothing below the rate was kept: up to about z^2 R of it may be missing. */
static void test_nothing_drawn(void **state)
{
	struct lsp_estimate e = { 0 };
	double low, high;

	(void)state;
	for (int i = 0; i < 30; i++)
		lsp_estimate_add_block(&e, 2000, 1000);
	assert_int_equal(lsp_estimate_interval(&e, INFINITY, &low, &high), LSP_INTERVAL_SHOWN);
	assert_float_equal(low, 60000, 1e-6);
	assert_float_equal(high, 60000 + 2.3263 * 2.3263 * 1000, 1);
	assert_int_equal(lsp_estimate_interval(&e, 61000, &low, &high), LSP_INTERVAL_SHOWN);
	assert_float_equal(high, 61000, 1e-6);
}

/* Charges that are all alike or lie decades apart give finite ends. */
static void test_odd_tails(void **state)
{
	struct lsp_estimate e = { 0 };

	(void)state;
	for (int i = 0; i < 200; i++)
		lsp_estimate_add_mutex(&e, 100, 10);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_SHOWN);
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 200; i++)
		lsp_estimate_add_mutex(&e, i < 190 ? 1 : 1ULL << 60, 0xffffffff);
	assert_int_equal(interval_of(&e), LSP_INTERVAL_SHOWN);
}

struct mean {
	double sum, squares;
	unsigned int n;
};

static void mean_add(struct mean *m, double x)
{
	m->sum += x;
	m->squares += x * x;
	m->n++;
}

/* Distance of the mean from 0 in its standard errors. */
static double mean_score(const struct mean *m)
{
	double mean = m->sum / m->n;
	double variance = m->squares / m->n - mean * mean;

	return variance > 0 ? mean / sqrt(variance / (m->n - 1)) : mean ? INFINITY : 0;
}

static void check_unbiased(enum shape shape, struct sampling s, unsigned int events)
{
	struct mean count = { 0 }, delay = { 0 };
	struct lsp_random r;

	lsp_random_init(&r, shape * 1000 + s.rate_ns + s.fraction);
	for (int repetition = 0; repetition < 1000; repetition++) {
		struct lsp_estimate e = { 0 };
		double truth_ns = 0;

		for (unsigned int i = 0; i < events; i++) {
			u64 delay_ns = wait_draw(&r, shape);

			truth_ns += delay_ns;
			offer(&e, &r, delay_ns, s);
		}
		mean_add(&count, e.count - events);
		mean_add(&delay, e.delay_ns - truth_ns);
		if (s.rate_ns == 1 || s.fraction == 1) {
			assert_true(e.count == events && e.delay_ns == truth_ns);
			assert_int_equal(interval_of(&e), LSP_INTERVAL_EXACT);
		}
	}
	print_message("%s, rate %llu, fraction %u: count %+.2f, delay %+.2f standard errors\n",
		      shape_names[shape], (unsigned long long)s.rate_ns, s.fraction,
		      mean_score(&count), mean_score(&delay));
	assert_true(fabs(mean_score(&count)) <= 3);
	assert_true(fabs(mean_score(&delay)) <= 3);
}

static void test_unbiased(void **state)
{
	static const struct sampling samplings[] = {
		{ 1, 0 }, { 10000, 0 }, { 1000000, 0 }, { 0, 1 }, { 0, 10 }, { 0, 100 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samplings); i++) {
		check_unbiased(EXPONENTIAL, samplings[i], 1000);
		check_unbiased(PARETO, samplings[i], 1000);
	}
}

/* The rate changes in mid run, by what has been seen so far: a biased weight would show. */
static void test_unbiased_through_changes(void **state)
{
	struct mean block = { 0 }, mutex = { 0 };
	struct lsp_random r;

	(void)state;
	lsp_random_init(&r, 77);
	for (int repetition = 0; repetition < 1000; repetition++) {
		struct lsp_estimate b = { 0 }, m = { 0 };
		double truth_ns = 0;

		for (int i = 0; i < 1000; i++) {
			u64 delay_ns = wait_draw(&r, EXPONENTIAL);

			truth_ns += delay_ns;
			offer(&b, &r, delay_ns, (struct sampling) { b.kept > 100 ? 100000 : 5000, 0 });
			offer(&m, &r, delay_ns, (struct sampling) { 0, m.kept > 100 ? 20 : 2 });
		}
		mean_add(&block, b.delay_ns - truth_ns);
		mean_add(&mutex, m.delay_ns - truth_ns);
	}
	assert_true(fabs(mean_score(&block)) <= 3);
	assert_true(fabs(mean_score(&mutex)) <= 3);
}

/* On average the estimated variance is the square of the error. */
static void check_variance(struct sampling s)
{
	struct mean difference = { 0 };
	struct lsp_random r;

	lsp_random_init(&r, 31);
	for (int repetition = 0; repetition < 2000; repetition++) {
		struct lsp_estimate e = { 0 };
		double error_ns = 0;

		for (int i = 0; i < 500; i++) {
			u64 delay_ns = wait_draw(&r, EXPONENTIAL);

			error_ns -= delay_ns;
			offer(&e, &r, delay_ns, s);
		}
		error_ns += e.delay_ns;
		mean_add(&difference, e.variance - error_ns * error_ns);
	}
	assert_true(fabs(mean_score(&difference)) <= 3);
}

static void test_variance(void **state)
{
	(void)state;
	check_variance((struct sampling) { 10000, 0 });
	check_variance((struct sampling) { 100000, 0 });
	check_variance((struct sampling) { 0, 2 });
	check_variance((struct sampling) { 0, 10 });
}

static void check_coverage(enum shape shape, struct sampling s, unsigned int events,
			   unsigned int repetitions)
{
	unsigned int shown = 0, below = 0, above = 0, normal = 0;
	double coverage;
	struct lsp_random r;

	lsp_random_init(&r, shape * 1000 + s.rate_ns + s.fraction + events);
	for (unsigned int repetition = 0; repetition < repetitions; repetition++) {
		struct lsp_estimate e = { 0 };
		double truth_ns = 0, low, high;

		for (unsigned int i = 0; i < events; i++) {
			u64 delay_ns = wait_draw(&r, shape);

			truth_ns += delay_ns;
			offer(&e, &r, delay_ns, s);
		}
		if (lsp_estimate_interval(&e, INFINITY, &low, &high) != LSP_INTERVAL_SHOWN)
			continue;
		shown++;
		below += truth_ns < low;
		above += truth_ns > high;
		normal += fabs(truth_ns - e.delay_ns) <= 1.96 * sqrt(e.variance);
	}
	coverage = 1 - (below + above) / (double)shown;
	print_message("%s, rate %llu, fraction %u, %u events: %u of %u shown\n", shape_names[shape],
		      (unsigned long long)s.rate_ns, s.fraction, events, shown, repetitions);
	print_message("  %.1f %% covered, %.1f %% below, %.1f %% above; normal interval %.1f %%\n",
		      100 * coverage, 100.0 * below / shown, 100.0 * above / shown,
		      100.0 * normal / shown);
	assert_true(shown >= repetitions * 2 / 5);
	assert_true(coverage >= 0.93 && coverage <= 0.97);
}

static void test_coverage_block(void **state)
{
	(void)state;
	for (enum shape shape = EXPONENTIAL; shape <= PARETO; shape++) {
		check_coverage(shape, (struct sampling) { 10000, 0 }, 200, 4000);
		check_coverage(shape, (struct sampling) { 10000, 0 }, 1000, 4000);
		check_coverage(shape, (struct sampling) { 100000, 0 }, 2000, 3000);
		check_coverage(shape, (struct sampling) { 1000000, 0 }, 15000, 1000);
	}
}

static void test_coverage_mutex(void **state)
{
	(void)state;
	for (enum shape shape = EXPONENTIAL; shape <= PARETO; shape++) {
		check_coverage(shape, (struct sampling) { 0, 2 }, 800, 4000);
		check_coverage(shape, (struct sampling) { 0, 10 }, 2500, 4000);
		check_coverage(shape, (struct sampling) { 0, 100 }, 25000, 1500);
	}
}

/* Of @events releases each @rare-th is @times the others; one in 10 is kept. */
struct kinds {
	unsigned int rare, times, events;
};

/* How many of @repetitions have an interval, and how many of these hold the truth. */
static void kinds_count(const struct kinds *k, bool total_known, unsigned int repetitions,
			unsigned int *shown, unsigned int *held)
{
	struct lsp_random r;

	lsp_random_init(&r, k->rare + k->events);
	*shown = *held = 0;
	for (unsigned int repetition = 0; repetition < repetitions; repetition++) {
		struct lsp_estimate e = { 0 };
		double truth_ns = 0, low, high;

		for (unsigned int i = 0; i < k->events; i++) {
			u64 charge_ns = i % k->rare ? 1000 : 1000 * k->times;

			truth_ns += charge_ns;
			offer(&e, &r, charge_ns, (struct sampling) { 0, 10 });
		}
		if ((total_known && !lsp_estimate_fits(&e, truth_ns)) ||
		    lsp_estimate_interval(&e, total_known ? truth_ns : INFINITY, &low, &high) !=
			    LSP_INTERVAL_SHOWN)
			continue;
		(*shown)++;
		*held += low <= truth_ns && truth_ns <= high * (1 + 1e-12);
	}
	print_message("one in %u is %u times the others, %u of %u kept%s: %u of %u shown, %u hold\n", k->rare,
		      k->times, k->events / 10, k->events, total_known ? ", total known" : "", *shown,
		      repetitions, *held);
}

static void test_two_kinds(void **state)
{
	static const struct kinds few[] = { { 20, 400, 600 }, { 20, 400, 1000 }, { 100, 100, 600 } };
	static const struct kinds many[] = { { 20, 400, 4000 }, { 20, 400, 10000 }, { 10, 50, 4000 } };
	/* Three of the rare ones in a sample, in the mean: there may be none, or too many. */
	static const struct kinds hidden = { 100, 100, 3000 };
	unsigned int shown, held;

	(void)state;
	for (size_t i = 0; i < COUNT(few); i++) {
		kinds_count(&few[i], false, 2000, &shown, &held);
		assert_int_equal(shown, 0);
	}
	for (size_t i = 0; i < COUNT(many); i++) {
		kinds_count(&many[i], false, 2000, &shown, &held);
		assert_true(shown >= 1900 && held >= shown * 93 / 100);
	}
	kinds_count(&hidden, false, 2000, &shown, &held);
	assert_true(held < shown * 93 / 100);
	kinds_count(&hidden, true, 2000, &shown, &held);
	assert_true(held >= shown * 95 / 100);
}

/* A total that is known refuses hardly any sample of one kind. */
static void test_fits(void **state)
{
	unsigned int fits = 0;
	struct lsp_random r;

	(void)state;
	lsp_random_init(&r, 5);
	for (int repetition = 0; repetition < 2000; repetition++) {
		struct lsp_estimate e = { 0 };
		double truth_ns = 0;

		for (int i = 0; i < 600 + repetition; i++) {
			u64 charge_ns = wait_draw(&r, EXPONENTIAL);

			truth_ns += charge_ns;
			offer(&e, &r, charge_ns, (struct sampling) { 0, 5 });
		}
		fits += lsp_estimate_fits(&e, truth_ns);
	}
	print_message("%u of 2000 fit\n", fits);
	assert_true(fits >= 1970);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contributions),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_block),
		cmocka_unit_test(test_who_gets_an_interval),
		cmocka_unit_test(test_nothing_drawn),
		cmocka_unit_test(test_odd_tails),
		cmocka_unit_test(test_unbiased),
		cmocka_unit_test(test_unbiased_through_changes),
		cmocka_unit_test(test_variance),
		cmocka_unit_test(test_coverage_block),
		cmocka_unit_test(test_coverage_mutex),
		cmocka_unit_test(test_two_kinds),
		cmocka_unit_test(test_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
