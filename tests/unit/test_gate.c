// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: an interval that promises 95 % and holds less, in samples of
 * five and with noise that has outliers; a gate that fails innocent runs, does
 * not see 30 % more, or speaks of too few runs, too short ones, lost records or
 * a baseline that differs from itself. Draws are seeded.
 * sources: user/gate/
 * libs: -lm
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/gate/verdict.h"

static uint64_t g_state;

static double uniform(void)
{
	g_state = g_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((double)(g_state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* Factor of a run: log-normal, and one in ten is hit by something else on the machine. */
static double noise(double sigma)
{
	double factor = exp(sigma * normal());

	return uniform() < 0.1 ? factor * (1 + 3 * sigma * uniform()) : factor;
}

static void runs_draw(struct lsp_gate_run *runs, size_t n, double delay_ns, double sigma)
{
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct lsp_gate_run){
			.delay_ns = delay_ns * noise(sigma), .contentions = 1000, .kept = 1000,
			.seconds = 2,
		};
}

static const struct lsp_gate_options g_options = { .limit = 0.2, .floor_ns = 1e6 };

/* How often each verdict, of 1000, when NEW is @factor times BASE. */
static void verdicts_count(double factor, double sigma, size_t n, unsigned int *counts)
{
	struct lsp_gate_run base[20], now[20];
	struct lsp_gate_result r;

	memset(counts, 0, 3 * sizeof(*counts));
	for (int i = 0; i < 1000; i++) {
		runs_draw(base, n, 1e9, sigma);
		runs_draw(now, n, factor * 1e9, sigma);
		assert_int_equal(lsp_gate_decide(&g_options, base, n, now, n, &r), 0);
		counts[r.verdict]++;
	}
	print_message("# factor %.2f, noise %2.0f %%, %2zu runs: %u pass, %u fail, %u inconclusive\n",
		      factor, 100 * sigma, n, counts[0], counts[1], counts[2]);
}

/* Worked out by hand: differences of {1, 2, 3, 4} to {11, 12, 13, 14} are 7 to 13. */
static void test_shift_by_hand(void **state)
{
	static const double a[] = { 3, 1, 4, 2 }, b[] = { 12, 14, 11, 13 };
	struct lsp_shift s;

	(void)state;
	assert_int_equal(lsp_shift_compute(a, 4, b, 4, 0.95, &s), 0);
	assert_float_equal(s.estimate, 10, 1e-12);
	/* P(U = 0) = 1 / 70, so the ends are the extremes and hold 1 - 2 / 70. */
	assert_float_equal(s.low, 7, 1e-12);
	assert_float_equal(s.high, 13, 1e-12);
	assert_float_equal(s.confidence, 1 - 2. / 70, 1e-12);
	/* Three and three hold 90 % at most. */
	assert_int_equal(lsp_shift_compute(a, 3, b, 3, 0.95, &s), -EDOM);
	assert_int_equal(lsp_shift_compute(a, 3, b, 3, 0.90, &s), 0);
}

/* Of tables: for 5 and 5 the two-sided 5 % point of U is 2, for 10 and 10 it is 23, for 20 and 20 127. */
static void test_shift_tables(void **state)
{
	static const struct { size_t n, critical; } cases[] = { { 5, 2 }, { 10, 23 }, { 20, 127 } };
	double a[20], b[20], all[400];
	struct lsp_shift s;

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		size_t n = cases[c].n;

		g_state = 1;
		for (size_t i = 0; i < n; i++) {
			a[i] = uniform();
			b[i] = uniform();
		}
		for (size_t i = 0; i < n * n; i++)
			all[i] = b[i / n] - a[i % n];
		assert_int_equal(lsp_shift_compute(a, n, b, n, 0.95, &s), 0);
		lsp_median(all, n * n);
		assert_float_equal(s.low, all[cases[c].critical], 1e-12);
		assert_float_equal(s.high, all[n * n - 1 - cases[c].critical], 1e-12);
	}
}

static void test_coverage(void **state)
{
	double a[5], b[5];
	unsigned int held = 0;
	struct lsp_shift s;

	(void)state;
	g_state = 2;
	for (int i = 0; i < 20000; i++) {
		for (int k = 0; k < 5; k++) {
			a[k] = log(noise(0.1));
			b[k] = log(noise(0.1)) + 0.25;
		}
		assert_int_equal(lsp_shift_compute(a, 5, b, 5, 0.95, &s), 0);
		held += s.low <= 0.25 && 0.25 <= s.high;
	}
	print_message("# 5 and 5 runs: %.2f %% hold the truth, %.2f %% promised\n", held / 200.,
		      100 * s.confidence);
	assert_true(held >= 20000 * 0.95);
	assert_true(held <= 20000 * 0.98);
}

static void test_innocent(void **state)
{
	static const double sigmas[] = { 0.02, 0.05, 0.10, 0.30 };
	unsigned int counts[3];

	(void)state;
	g_state = 3;
	for (size_t i = 0; i < 4; i++) {
		verdicts_count(1, sigmas[i], 5, counts);
		/* Never one in a hundred, however noisy: that is what the gate is for. */
		assert_true(counts[LSP_GATE_FAIL] <= 10);
		if (sigmas[i] <= 0.05)
			assert_true(counts[LSP_GATE_PASS] >= 950);
	}
	/* At the limit itself one in forty may fail. */
	verdicts_count(1.2, 0.02, 5, counts);
	assert_true(counts[LSP_GATE_FAIL] <= 35);
	verdicts_count(1, 0.10, 10, counts);
	assert_true(counts[LSP_GATE_PASS] >= 900);
}

static void test_regression(void **state)
{
	unsigned int counts[3];

	(void)state;
	g_state = 4;
	verdicts_count(1.3, 0.02, 5, counts);
	assert_true(counts[LSP_GATE_FAIL] >= 950);
	verdicts_count(1.3, 0.05, 20, counts);
	assert_true(counts[LSP_GATE_FAIL] >= 900);
	/* Too much noise for so few runs: it may not say PASS. */
	verdicts_count(1.3, 0.10, 5, counts);
	assert_true(counts[LSP_GATE_PASS] <= 10);
	verdicts_count(2, 0.10, 5, counts);
	assert_true(counts[LSP_GATE_FAIL] >= 800);
	assert_true(counts[LSP_GATE_PASS] == 0);
}

static void expect(const struct lsp_gate_run *base, size_t nbase, const struct lsp_gate_run *now,
		   size_t nnow, enum lsp_gate_verdict verdict, enum lsp_gate_reason reason)
{
	struct lsp_gate_result r;

	assert_int_equal(lsp_gate_decide(&g_options, base, nbase, now, nnow, &r), 0);
	assert_int_equal(r.verdict, verdict);
	assert_int_equal(r.reason, reason);
}

static void test_objections(void **state)
{
	struct lsp_gate_run base[20], now[20];

	(void)state;
	g_state = 5;
	runs_draw(base, 20, 1e9, 0.01);
	runs_draw(now, 20, 2e9, 0.01);
	expect(base, 4, now, 20, LSP_GATE_INCONCLUSIVE, LSP_GATE_TOO_FEW_RUNS);
	expect(base, 20, now, 4, LSP_GATE_INCONCLUSIVE, LSP_GATE_TOO_FEW_RUNS);
	expect(base, 5, now, 5, LSP_GATE_FAIL, LSP_GATE_MEASURED);
	expect(base, 20, now, 20, LSP_GATE_FAIL, LSP_GATE_MEASURED);
	now[3].partial = true;
	expect(base, 5, now, 5, LSP_GATE_INCONCLUSIVE, LSP_GATE_PARTIAL);
	now[3].partial = false;

	/* Hardly a wait in a short time says nothing, in a long time that all is well. */
	for (int i = 0; i < 5; i++) {
		base[i] = now[i] = (struct lsp_gate_run){ .delay_ns = 1e5 * (i + 1), .contentions = 2, .kept = 2,
							  .seconds = 0.1 };
	}
	expect(base, 5, now, 5, LSP_GATE_INCONCLUSIVE, LSP_GATE_TOO_SHORT);
	for (int i = 0; i < 5; i++)
		base[i].seconds = now[i].seconds = 10;
	expect(base, 5, now, 5, LSP_GATE_PASS, LSP_GATE_MEASURED);
	/* From nothing to much is a regression. */
	runs_draw(now, 5, 1e9, 0.01);
	for (int i = 0; i < 5; i++)
		base[i] = (struct lsp_gate_run){ .seconds = 2 };
	expect(base, 5, now, 5, LSP_GATE_FAIL, LSP_GATE_MEASURED);
}

/* A machine that has two speeds: the baseline's halves differ by more than is asked about. */
static void test_noisy_baseline(void **state)
{
	struct lsp_gate_run base[6], now[6];

	(void)state;
	g_state = 6;
	runs_draw(base, 6, 1e9, 0.01);
	runs_draw(now, 6, 4e9, 0.01);
	for (int i = 0; i < 3; i++)
		base[2 * i].delay_ns *= 1.5;
	expect(base, 6, now, 6, LSP_GATE_INCONCLUSIVE, LSP_GATE_NOISY);
}

static void test_per(void **state)
{
	struct lsp_gate_options o = g_options;
	struct lsp_gate_run base[5], now[5];
	struct lsp_gate_result r;

	(void)state;
	g_state = 7;
	runs_draw(base, 5, 1e9, 0.01);
	runs_draw(now, 5, 2e9, 0.01);
	for (int i = 0; i < 5; i++)
		now[i].seconds *= 2;
	o.per = LSP_GATE_PER_SECOND;
	assert_int_equal(lsp_gate_decide(&o, base, 5, now, 5, &r), 0);
	assert_int_equal(r.verdict, LSP_GATE_PASS);
	for (int i = 0; i < 5; i++)
		now[i].contentions *= 2;
	o.per = LSP_GATE_PER_CONTENTION;
	assert_int_equal(lsp_gate_decide(&o, base, 5, now, 5, &r), 0);
	assert_int_equal(r.verdict, LSP_GATE_PASS);
	assert_true(fabs(r.base - 1e6) < 1e5);
	o.limit = 0;
	assert_int_equal(lsp_gate_decide(&o, base, 5, now, 5, &r), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shift_by_hand), cmocka_unit_test(test_shift_tables),
		cmocka_unit_test(test_coverage), cmocka_unit_test(test_innocent),
		cmocka_unit_test(test_regression), cmocka_unit_test(test_objections),
		cmocka_unit_test(test_noisy_baseline), cmocka_unit_test(test_per),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
