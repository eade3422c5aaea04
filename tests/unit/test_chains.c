// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: waits of two locks that are united without a warning, a virtual
 * key's ledger that loses or invents time, waits that end without a release, at
 * once, or in the same nanosecond as others and bring the ledger out of step.
 * (What blame comes to is in test_parking.c.)
 *
 * sources: user/collect/roles/chains.c user/collect/roles/charges.c user/collect/roles/evidence.c user/collect/roles/waits.c
 * sources: user/collect/roles/pairs.c user/base/index.c user/capture/span.c tests/unit/fixture_parking.c
 * libs: -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/roles/chains.h"
#include "../../user/collect/roles/charges.h"
#include "../../user/collect/roles/evidence.h"
#include "fixture_parking.h"

/* ---- virtual keys that are two locks ---- */

/* Charges by releaser of each virtual key, divided by the locks that its waits truly were for. */
static void truth_by_holder(const struct parked *k, uint32_t groups, double (*to)[64])
{
	struct lsp_wait *copy = malloc(k->n * sizeof(*copy));

	memcpy(copy, k->waits, k->n * sizeof(*copy));
	for (size_t i = 0; i < k->n; i++)
		copy[i].group = copy[i].group * 8 + (uint32_t)k->locks[i];
	assert_int_equal(lsp_charges_find(copy, k->n, groups * 8, NULL, NULL), 0);
	for (size_t i = 0; i < k->n; i++)
		to[k->waits[i].group][copy[i].by - 100] -= (double)copy[i].hold_ns;
	free(copy);
}

static void wrong_unions_are_weak(void **state)
{
	static const struct parking cases[] = {
		{ 32, 1, false, false, .020, .003, 60e-6, false }, { 32, 8, false, false, .020, .003, 60e-6, false },
		{ 32, 8, true, false, .020, .003, 60e-6, false }, { 32, 8, false, false, .0004, .00006, 20e-6, false },
		{ 32, 8, false, false, .0001, .00002, 20e-6, false }, { 32, 8, false, false, .020, .003, 1e-3, false },
		{ 32, 2, false, true, .020, .003, 60e-6, true }, { 16, 8, false, false, .0004, .00006, 20e-6, false },
	};
	int wrong = 0, weak = 0, keys = 0, missed = 0;

	(void)state;
	for (uint32_t c = 0; c < 3 * sizeof(cases) / sizeof(cases[0]); c++) {
		uint32_t groups, sites[2] = { 0, 1 };
		struct lsp_evidence *e, all = { 0 };
		double (*by)[64], total = 0;
		struct parked k;

		parking_run(&cases[c / 3], 1 + c % 3, &k);
		assert_int_equal(lsp_chains_find(k.waits, k.n, sites, &groups), 0);
		assert_int_equal(lsp_charges_find(k.waits, k.n, groups, NULL, NULL), 0);
		e = calloc(groups, sizeof(*e));
		by = calloc(groups, sizeof(*by));
		assert_int_equal(lsp_evidence_add(k.waits, k.n, e), 0);
		for (uint32_t g = 0; g < groups; g++)
			lsp_evidence_merge(&all, &e[g]);
		truth_by_holder(&k, groups, by);
		for (size_t i = 0; i < k.n; i++) {
			by[k.waits[i].group][k.waits[i].by - 100] += (double)k.waits[i].hold_ns;
			total += (double)k.waits[i].hold_ns;
		}
		for (uint32_t g = 0; g < groups; g++) {
			double off = 0;
			bool unsure = lsp_evidence_is_weak(&e[g], &all);

			for (int i = 0; i < 64; i++)
				off += fabs(by[g][i]) / 2;
			keys++;
			weak += unsure;
			/* A hundredth of all hold in wrong hands, by one key. */
			wrong += off > .01 * total;
			missed += off > .01 * total && !unsure;
		}
		free(by);
		free(e);
		parked_uninit(&k);
	}
	if (getenv("LSP_TEST_SHOW"))
		print_message("%d virtual keys, %d weak; %d put a hundredth of the hold into wrong hands, %d of them not weak\n",
			      keys, weak, wrong, missed);
	assert_int_equal(missed, 0);
}

/* ---- invariants ---- */

#define THREADS 9
#define WAITS 400

/* Anything that records can say: waits of all lengths, with and without an end, on few words and sites. */
static size_t schedule_make(struct lsp_wait *waits)
{
	uint64_t free_ns[THREADS], step_ns = twister_below(3) ? 20000 : 3;
	size_t n = 0;

	for (int i = 0; i < THREADS; i++)
		free_ns[i] = 1000 + twister_below(100);
	while (n < WAITS) {
		uint32_t tid = twister_below(THREADS), outcome = twister_below(10);
		struct lsp_wait *w = &waits[n];

		*w = (struct lsp_wait){
			.key = tid, .tid = tid + 1, .by = twister_below(THREADS) + 1, .span = (uint32_t)n,
			.release = (uint32_t)n, .site = twister_below(4), .by_site = twister_below(4),
			.enq_ns = free_ns[tid], .gives_up = outcome == 7 || outcome == 8,
		};
		w->run_ns = w->enq_ns + twister_below((uint32_t)step_ns * 4 + 1);
		if (outcome < 7)
			w->wake_ns = w->enq_ns + twister_below((uint32_t)(w->run_ns - w->enq_ns) + 1);
		else
			w->release = LSP_INDEX_NONE;
		if (outcome == 7) {
			w->late_ns = w->run_ns + twister_below((uint32_t)step_ns);
			w->release = (uint32_t)n;
		}
		if (outcome == 6)
			w->release = LSP_INDEX_NONE;
		if (outcome == 9)
			w->site = LSP_INDEX_NONE;
		free_ns[tid] = w->run_ns + twister_below(twister_below(2) ? 8000 : (uint32_t)step_ns * 6);
		n++;
	}
	return n;
}

static int wait_compare(const void *a, const void *b)
{
	const struct lsp_wait *x = a, *y = b;

	if (x->enq_ns != y->enq_ns)
		return x->enq_ns < y->enq_ns ? -1 : 1;
	return x->span < y->span ? -1 : 1;
}

/* Hold + handoff + tail is what was waited, of every virtual key, to the nanosecond. */
static void time_is_kept(void **state)
{
	static struct lsp_wait waits[WAITS];
	uint64_t all_ns = 0, carried_ns = 0, given_ns = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 500; seed++) {
		uint32_t groups, sites[4] = { 0, 1, 2, 3 };
		uint64_t *waited, *parts, *carried;
		struct lsp_given *given;
		struct lsp_evidence *e;
		size_t n;

		twister_seed(seed);
		n = schedule_make(waits);
		qsort(waits, n, sizeof(*waits), wait_compare);
		assert_int_equal(lsp_chains_find(waits, n, sites, &groups), 0);
		given = calloc(groups, sizeof(*given));
		assert_int_equal(lsp_charges_find(waits, n, groups, given, NULL), 0);
		e = calloc(groups, sizeof(*e));
		waited = calloc(groups, sizeof(*waited));
		parts = calloc(groups, sizeof(*parts));
		carried = calloc(groups, sizeof(*carried));
		assert_int_equal(lsp_evidence_add(waits, n, e), 0);
		for (size_t i = 0; i < n; i++) {
			const struct lsp_wait *w = &waits[i];

			assert_true(w->group < groups);
			waited[w->group] += (w->wake_ns ? w->wake_ns : w->run_ns) - w->enq_ns;
			parts[w->group] += w->hold_ns + w->closed_ns + w->handoff_ns + w->tail_ns - w->carried_ns;
			carried[w->group] += (w->carried ? w->tail_ns : 0) - w->carried_ns;
			carried_ns += w->carried_ns;
			if (!w->wake_ns && !w->late_ns)
				assert_int_equal(w->hold_ns, 0);
			all_ns += w->hold_ns;
		}
		for (uint32_t g = 0; g < groups; g++) {
			assert_int_equal(parts[g], waited[g]);
			assert_int_equal(carried[g], given[g].wait_ns);
			given_ns += given[g].wait_ns;
			assert_true(e[g].judged <= e[g].calls && e[g].chained <= e[g].judged);
			assert_true(e[g].left_chained <= e[g].left && e[g].own_releases <= e[g].releases);
		}
		free(carried);
		free(given);
		free(parts);
		free(waited);
		free(e);
	}
	assert_true(all_ns > 0 && carried_ns > 0 && given_ns > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_unions_are_weak),
		cmocka_unit_test(time_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
