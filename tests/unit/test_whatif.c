// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockspan whatif on simulated programs. The truth is the same program, simulated with holds that really are shorter.
 * Would catch a replay that breaks the rules of the C library's locks, or those of PI mutexes; a hold whose begin or
 * end nobody saw and that is guessed wrong; locks that are taken for nested, so that replayed threads wait for each
 * other; an interval without the truth in it; a prediction from a recording that does not carry one.
 * sources: user/whatif/ user/base/ tests/unit/fixture_whatif.c
 * libs: -lm
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/whatif/predict.h"
#include "fixture_whatif.h"

enum { RUNS = 6 };

static const struct subject {
	const char *name;
	struct fixture_subject s;
} subjects[] = {
	{ "four threads", { .threads = 4, .rounds = 300, .think = 300, .hold = 1000, .latency = 50 } },
	{ "eight threads", { .threads = 8, .rounds = 200, .think = 1000, .hold = 1000, .latency = 50 } },
	{ "sixteen threads", { .threads = 16, .rounds = 150, .think = 4000, .hold = 1000, .latency = 50 } },
	{ "32 threads", { .threads = 32, .rounds = 90, .think = 10000, .hold = 1000, .latency = 50 } },
	{ "slow to wake", { .threads = 8, .rounds = 400, .think = 1000, .hold = 1000, .latency = 200 } },
	{ "two locks", { .threads = 8, .rounds = 200, .think = 500, .hold = 1000, .latency = 50, .locks = FIXTURE_TWO } },
	{ "nested locks", { .threads = 8, .rounds = 200, .think = 1000, .hold = 1000, .latency = 50, .locks = FIXTURE_NESTED } },
	{ "a fair lock", { .threads = 8, .rounds = 200, .think = 1000, .hold = 1000, .latency = 50, .fair = true } },
};

static void whatif_make(struct fixture_subject s, struct lsp_whatif *w, double elsewhere_ns)
{
	const bool fair[2] = { s.fair, s.fair };
	struct lsp_whatif_recorded r;

	s.factor = 1;
	s.seed = 1;
	fixture_run(&s, &r);
	assert_int_equal(lsp_whatif_create(&r, fair, elsewhere_ns, w), 0);
	lsp_whatif_recorded_uninit(&r);
}

static void predict(struct lsp_whatif *w, double shorten, struct lsp_whatif_answer *ret)
{
	const bool sites[FIXTURE_SITES] = { [FIXTURE_LONG] = true };
	const struct lsp_whatif_change c = { .sites = sites, .shorten = shorten };

	assert_int_equal(lsp_whatif_predict(w, &c, ret), 0);
}

/* The factors by which waiting and the work in the same time really change, from runs with other random numbers. */
static void truth_find(struct fixture_subject s, double *waiting, double *throughput)
{
	struct fixture_truth sum[2] = { { 0, 0 }, { 0, 0 } };

	for (uint64_t seed = 2; seed < 2 + RUNS; seed++)
		for (int k = 0; k < 2; k++) {
			struct fixture_truth one;

			s.seed = seed;
			s.factor = k ? 0.8 : 1;
			one = fixture_run(&s, NULL);
			sum[k].waiting_ns += one.waiting_ns;
			sum[k].duration_ns += one.duration_ns;
		}
	*waiting = sum[1].waiting_ns / sum[0].waiting_ns;
	*throughput = sum[0].duration_ns / sum[1].duration_ns;
}

static void test_truth(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct lsp_whatif_answer a;
		struct lsp_whatif w;
		double waiting, throughput, base;

		whatif_make(subjects[i].s, &w, 0);
		predict(&w, 0.2, &a);
		truth_find(subjects[i].s, &waiting, &throughput);
		base = a.before_ns;
		print_message("%s: %.1f wait; waiting %.3f, truth %.3f, 95%% %.3f..%.3f; work %.3f, truth %.3f; unchanged %.3f\n",
			      subjects[i].name, a.mean_waiting, a.after_ns.value / base, waiting, a.after_ns.low / base,
			      a.after_ns.high / base, a.throughput.value, throughput, a.replayed);
		assert_null(a.refused);
		assert_true(fabs(a.replayed - 1) < 0.07);
		assert_true(fabs(a.after_ns.value / base - waiting) < 0.05);
		assert_true(a.after_ns.low / base < waiting && waiting < a.after_ns.high / base);
		assert_true(fabs(a.throughput.value - throughput) < 0.04);
		assert_true(a.throughput.low < throughput && throughput < a.throughput.high);
		lsp_whatif_destroy(&w);
	}
}

/* In the order in which they were recorded, the rounds give what was recorded. Nothing shorter is nothing gained. */
static void test_unchanged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct lsp_whatif_outcome o;
		struct lsp_whatif_answer a;
		struct lsp_whatif w;

		whatif_make(subjects[i].s, &w, 0);
		assert_int_equal(lsp_whatif_replay(&w.program, NULL, 0, &o), 0);
		print_message("%s: %.3f\n", subjects[i].name, o.waiting_ns / w.waiting_ns);
		assert_false(o.stuck);
		assert_true(fabs(o.waiting_ns / w.waiting_ns - 1) < 0.05);
		predict(&w, 0, &a);
		assert_true(a.after_ns.value == a.before_ns && a.throughput.value == 1);
		lsp_whatif_destroy(&w);
	}
}

static void refused_is(struct fixture_subject s, double elsewhere_ns, const char *why)
{
	struct lsp_whatif_answer a;
	struct lsp_whatif w;

	whatif_make(s, &w, elsewhere_ns);
	predict(&w, 0.2, &a);
	assert_non_null(a.refused);
	assert_non_null(strstr(a.refused, why));
	lsp_whatif_destroy(&w);
}

static void test_refused(void **state)
{
	struct fixture_subject s = subjects[1].s, few = s, rare = s;
	struct lsp_whatif_recorded r;
	struct lsp_whatif_answer a;
	struct lsp_whatif w;
	const bool fair[2] = { false }, sites[FIXTURE_SITES] = { [FIXTURE_OTHER] = true };
	const struct lsp_whatif_change nobody = { .sites = sites, .shorten = 0.2 };

	(void)state;
	few.threads = 2;
	refused_is(few, 0, "fewer than two threads");
	rare.think = 20000;
	refused_is(rare, 0, "fewer than two threads");
	refused_is(s, 1e12, "condition variables");
	s.rounds = 12;
	refused_is(s, 0, "");

	/* Timers end the waits, or releases are missing. */
	s = subjects[1].s;
	s.factor = 1;
	s.seed = 1;
	for (int k = 0; k < 2; k++) {
		fixture_run(&s, &r);
		for (size_t i = 0; !k && i < r.nwaits; i += 5)
			r.waits[i].wake_ns = 0;
		r.nreleases = k ? r.nreleases / 3 : r.nreleases;
		assert_int_equal(lsp_whatif_create(&r, fair, 0, &w), 0);
		predict(&w, 0.2, &a);
		assert_non_null(a.refused);
		assert_true(k || strstr(a.refused, "a timeout or a signal"));
		assert_int_equal(lsp_whatif_predict(&w, &nobody, &a), 0);
		assert_non_null(strstr(a.refused, "no release"));
		lsp_whatif_destroy(&w);
		lsp_whatif_recorded_uninit(&r);
	}
}

/* Of two locks in the place of one, each is waited for less than half as long. */
static void test_split(void **state)
{
	const struct lsp_whatif_change c = { .split = 2, .split_lock = 0 };
	struct lsp_whatif_answer a;
	struct lsp_whatif w;

	(void)state;
	whatif_make(subjects[1].s, &w, 0);
	assert_int_equal(lsp_whatif_predict(&w, &c, &a), 0);
	assert_null(a.refused);
	assert_true(a.after_ns.value < a.before_ns / 2 && a.after_ns.value > a.before_ns / 20);
	assert_true(a.throughput.value > 1.2 && a.throughput.value < 2);
	lsp_whatif_destroy(&w);
}

static void test_empty(void **state)
{
	const struct lsp_whatif_recorded r = { 0 };
	struct lsp_whatif_answer a;
	struct lsp_whatif w;

	(void)state;
	assert_int_equal(lsp_whatif_create(&r, NULL, 0, &w), 0);
	assert_int_equal(lsp_whatif_predict(&w, &(struct lsp_whatif_change){ .shorten = 0.2 }, &a), 0);
	assert_non_null(a.refused);
	lsp_whatif_destroy(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth), cmocka_unit_test(test_unchanged), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_split), cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
