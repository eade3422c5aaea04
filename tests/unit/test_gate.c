// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: an interval that promises 95 % and holds less, in samples of
 * five and with noise that has outliers; a gate that fails innocent runs more
 * often than one in 40, does not see 30 % more, or a thousandfold in noise; that
 * speaks of too few runs, too short ones or a baseline that differs from itself
 * where that is not so; and a man page that promises another power than the gate
 * has. Draws are seeded.
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

#include "../../user/gate/power.h"

static uint64_t g_state;

static double uniform(void)
{
	g_state = g_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((double)(g_state >> 11) + 0.5) * 0x1p-53;
}

static double noise(double sigma)
{
	return lsp_gate_power_factor(&g_state, sigma);
}

static void runs_draw(struct lsp_gate_run *runs, size_t n, double delay_ns, double sigma)
{
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct lsp_gate_run){
			.delay_ns = delay_ns * noise(sigma), .contentions = 1000, .kept = 1000,
			.seconds = 2, .complete = true,
		};
}

static const struct lsp_gate_options g_options = { .limit = 0.2, .floor_ns = 1e6 };

#define REPETITIONS 10000
/* One in 40, and three standard deviations of a count of so many. */
#define FALSE_MOST (REPETITIONS / 40 + 3 * 16)

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

/* The verdicts of 10,000 comparisons of runs that @make fills. */
static void verdicts_count(const char *what, const struct lsp_gate_options *o, size_t n,
			   void (*make)(struct lsp_gate_run *runs, size_t n, bool now),
			   unsigned int *counts)
{
	struct lsp_gate_options options = *o;
	struct lsp_gate_run base[12], now[12];
	struct lsp_gate_result r;

	options.noise_unasked = true;
	memset(counts, 0, 3 * sizeof(*counts));
	for (int i = 0; i < REPETITIONS; i++) {
		make(base, n, false);
		make(now, n, true);
		assert_int_equal(lsp_gate_decide(&options, base, n, now, n, &r), 0);
		counts[r.verdict]++;
	}
	print_message("# %s: %u pass, %u fail, %u inconclusive\n", what, counts[0], counts[1], counts[2]);
}

/* Which line of the power table a number of runs and a noise have: see the man page. */
static void table_check(char *line, const char *page)
{
	double runs, sigma, pass, innocent, limit, third, half, twice;

	if (!strstr(page, line))
		fail_msg("not in the man page (lockspan gate --power prints its table): %s", line);
	if (sscanf(line, "%lf %lf%% %lf%% %lf%% %lf %lf %lf %lf", &runs, &sigma, &pass, &innocent, &limit,
		   &third, &half, &twice) != 8)
		return;		/* the title */
	assert_true(innocent <= 2.5);
	assert_true(limit <= 100. * FALSE_MOST / REPETITIONS);
	assert_true(third >= limit && half >= third && twice >= half);
	if (sigma <= 2)
		assert_true(third >= 95 && pass >= 95);
	if (sigma <= 5)
		assert_true(half >= 95);
	if (sigma <= 10)
		assert_true(twice >= 95);
}

static void test_power(void **state)
{
	static char page[1 << 15];
	FILE *f = fopen("docs/man/lockspan-gate.1", "r");
	unsigned int lines = 0;
	char line[200];

	(void)state;
	assert_non_null(f);
	assert_true(fread(page, 1, sizeof(page) - 1, f) > 0);
	fclose(f);
	while (lsp_gate_power_line(&g_options, lines, REPETITIONS, line, sizeof(line)) == 1) {
		print_message("# %s\n", line);
		table_check(line, page);
		lines++;
	}
	assert_int_equal(lines, 1 + 3 * 4);
}

/* The new runs scatter three times as much as the baseline: not what the test assumes. */
static void scatter_make(struct lsp_gate_run *runs, size_t n, bool now)
{
	runs_draw(runs, n, 1e9, now ? 0.15 : 0.05);
}

/* A machine with two speeds. */
static void speeds_make(struct lsp_gate_run *runs, size_t n, bool now)
{
	(void)now;
	runs_draw(runs, n, 1e9, 0.02);
	for (size_t i = 0; i < n; i++)
		runs[i].delay_ns *= uniform() < 0.5 ? 1.5 : 1;
}

static void thousandfold_make(struct lsp_gate_run *runs, size_t n, bool now)
{
	runs_draw(runs, n, now ? 1e12 : 1e9, 0.5);
}

/* A microsecond a wait, a tenth of the waits. */
static void rarer_make(struct lsp_gate_run *runs, size_t n, bool now)
{
	runs_draw(runs, n, now ? 1e4 : 1e5, 0.05);
	for (size_t i = 0; i < n; i++)
		runs[i].contentions = runs[i].kept = now ? 10 : 100;
}

static void fiftyfold_make(struct lsp_gate_run *runs, size_t n, bool now)
{
	runs_draw(runs, n, now ? 5e6 : 1e5, 0.05);
	for (size_t i = 0; i < n; i++)
		runs[i].contentions = runs[i].kept = 100;
}

/* Nobody waits to speak of, and the new runs take a third longer for reasons of their own. */
static void idle_make(struct lsp_gate_run *runs, size_t n, bool now)
{
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct lsp_gate_run){
			.delay_ns = 1e5 * uniform(), .contentions = 40, .kept = 40, .complete = true,
			.seconds = (now ? 4 : 3) * noise(0.05),
		};
}

static void test_verdicts(void **state)
{
	const struct lsp_gate_options mean = { .limit = 0.2, .floor_ns = 1e6, .per = LSP_GATE_PER_CONTENTION };
	unsigned int counts[3];

	(void)state;
	g_state = 3;
	verdicts_count("as long, scattered more", &g_options, 5, scatter_make, counts);
	assert_true(counts[LSP_GATE_FAIL] <= FALSE_MOST);
	verdicts_count("as long, of two speeds", &g_options, 5, speeds_make, counts);
	assert_true(counts[LSP_GATE_FAIL] <= FALSE_MOST);
	verdicts_count("as long, of two speeds, 12 runs", &g_options, 12, speeds_make, counts);
	assert_true(counts[LSP_GATE_FAIL] <= FALSE_MOST);
	verdicts_count("a thousand times longer, half as much noise", &g_options, 5, thousandfold_make, counts);
	assert_int_equal(counts[LSP_GATE_FAIL], REPETITIONS);
	verdicts_count("the same mean wait, a tenth of the waits", &mean, 5, rarer_make, counts);
	assert_true(counts[LSP_GATE_FAIL] <= FALSE_MOST && counts[LSP_GATE_PASS] >= REPETITIONS * 9 / 10);
	verdicts_count("a mean wait 50 times longer", &mean, 5, fiftyfold_make, counts);
	assert_int_equal(counts[LSP_GATE_FAIL], REPETITIONS);
	verdicts_count("no waiting, longer runs", &g_options, 5, idle_make, counts);
	assert_int_equal(counts[LSP_GATE_PASS], REPETITIONS);
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
	/* If the nothing was not a moment of something that was attached to. */
	for (int i = 0; i < 5; i++)
		base[i].seconds = 0.1;
	expect(base, 5, now, 5, LSP_GATE_INCONCLUSIVE, LSP_GATE_TOO_SHORT);
	for (int i = 0; i < 5; i++)
		base[i].complete = true;
	expect(base, 5, now, 5, LSP_GATE_FAIL, LSP_GATE_MEASURED);
	/* Not a tenth of the time, and not for want of waiting. */
	runs_draw(base, 5, 1e9, 0.01);
	runs_draw(now, 5, 0.9e9, 0.01);
	for (int i = 0; i < 5; i++)
		now[i].seconds = 0.1;
	expect(base, 5, now, 5, LSP_GATE_INCONCLUSIVE, LSP_GATE_SHORTENED);
	runs_draw(base, 5, 10e9, 0.01);
	expect(base, 5, now, 5, LSP_GATE_PASS, LSP_GATE_MEASURED);
}

static void test_semaphores(void **state)
{
	struct lsp_gate_result locks = { .verdict = LSP_GATE_PASS }, semaphores = { .verdict = LSP_GATE_INCONCLUSIVE };

	(void)state;
	lsp_gate_join(&locks, &semaphores);
	assert_int_equal(locks.verdict, LSP_GATE_PASS);
	semaphores.verdict = LSP_GATE_FAIL;
	lsp_gate_join(&locks, &semaphores);
	assert_int_equal(locks.verdict, LSP_GATE_INCONCLUSIVE);
	assert_int_equal(locks.reason, LSP_GATE_SEMAPHORES);
	locks.verdict = LSP_GATE_FAIL;
	lsp_gate_join(&locks, &semaphores);
	assert_int_equal(locks.verdict, LSP_GATE_FAIL);
}

/* A machine that has two speeds: a change that they could make is none, a larger one is. */
static void test_noisy_baseline(void **state)
{
	struct lsp_gate_run base[6], now[6];

	(void)state;
	g_state = 6;
	runs_draw(base, 6, 1e9, 0.01);
	for (int i = 0; i < 3; i++)
		base[2 * i].delay_ns *= 1.5;
	runs_draw(now, 6, 1.5e9, 0.01);
	expect(base, 6, now, 6, LSP_GATE_INCONCLUSIVE, LSP_GATE_NOISY);
	runs_draw(now, 6, 4e9, 0.01);
	expect(base, 6, now, 6, LSP_GATE_FAIL, LSP_GATE_MEASURED);
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
		cmocka_unit_test(test_coverage), cmocka_unit_test(test_power),
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_objections),
		cmocka_unit_test(test_semaphores), cmocka_unit_test(test_noisy_baseline),
		cmocka_unit_test(test_per),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
