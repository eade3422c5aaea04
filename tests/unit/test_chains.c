// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: waits of two locks that are united without a warning, a virtual
 * key's ledger that loses or invents time, waits that end without a release, at
 * once, or in the same nanosecond as others and bring the ledger out of step.
 * (What blame comes to is in test_parking.c.)
 *
 * sources: user/collect/roles/chains.c user/collect/roles/charges.c user/collect/roles/evidence.c user/collect/roles/waits.c
 * sources: user/collect/roles/parked.c user/collect/roles/pairs.c user/base/index.c user/capture/span.c
 * sources: tests/unit/fixture_parking.c
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
#include "../../user/collect/roles/parked.h"
#include "fixture_parking.h"

/* ---- virtual keys that are two locks ---- */

#define LONG .020, .003, 60e-6
#define SLOW_WAKE .020, .003, 1e-3
#define SHORT .0004, .00006, 20e-6
#define SHORTEST .0001, .00002, 20e-6

struct unions {
	int keys, weak;
	int wrong;	/* that put a hundredth of all hold into wrong hands */
	int missed;	/* of them, that are not called weak */
};

/* Charges by releaser of each virtual key, less what they are if its waits are divided by the locks that they truly were for. */
static void off_by_holder(const struct lsp_parked *p, const struct parked *k, double (*by)[64])
{
	struct lsp_wait *copy = malloc(p->n * sizeof(*copy));

	memcpy(copy, p->waits, p->n * sizeof(*copy));
	for (size_t i = 0; i < p->n; i++)
		copy[i].group = copy[i].group * 8 + (uint32_t)k->locks[copy[i].span];
	assert_int_equal(lsp_charges_find(copy, p->n, p->nvirtuals * 8, NULL, NULL), 0);
	for (size_t i = 0; i < p->n; i++)
		by[p->waits[i].group][p->waits[i].by - 100] +=
			(double)p->waits[i].hold_ns - (double)copy[i].hold_ns;
	free(copy);
}

static void unions_count(const struct parking *parking, uint32_t seed, struct unions *u)
{
	struct lsp_parked p = { 0 };
	double (*by)[64], total = 0;
	struct parked k;

	parking_run(parking, seed, &k);
	assert_int_equal(lsp_parked_words(&p, k.waits, k.n), 0);
	assert_int_equal(lsp_parked_find(&p, k.waits, k.n, 2), 0);
	assert_int_equal(p.n, k.n);
	by = calloc(p.nvirtuals, sizeof(*by));
	off_by_holder(&p, &k, by);
	for (size_t i = 0; i < p.n; i++)
		total += (double)p.waits[i].hold_ns;
	for (uint32_t g = 0; g < p.nvirtuals; g++) {
		const struct lsp_virtual *v = &p.virtuals[g];
		bool weak = lsp_evidence_is_weak(&v->evidence, &p.sets[v->set].evidence);
		double off = 0;

		for (int i = 0; i < 64; i++)
			off += fabs(by[g][i]) / 2;
		u->keys++;
		u->weak += weak;
		u->wrong += off > .01 * total;
		u->missed += off > .01 * total && !weak;
	}
	free(by);
	lsp_parked_uninit(&p);
	parked_uninit(&k);
}

static void unions_show(const char *what, const struct unions *u)
{
	if (getenv("LSP_TEST_SHOW"))
		print_message("%s: %d virtual keys, %d weak; %d put a hundredth of the hold into wrong hands, %d of them not weak\n",
			      what, u->keys, u->weak, u->wrong, u->missed);
}

static void wrong_unions_are_weak(void **state)
{
	static const struct parking cases[] = {
		/* locks, fair, nested, times, own sites */
		{ 0, 1, false, false, LONG, false }, { 0, 1, true, false, LONG, false },
		{ 0, 8, false, false, LONG, false }, { 0, 8, true, false, LONG, false },
		{ 0, 8, false, false, SHORT, false }, { 0, 8, false, false, SHORTEST, false },
		{ 0, 8, false, false, SLOW_WAKE, false }, { 0, 1, false, false, SLOW_WAKE, false },
		{ 0, 2, false, true, LONG, true }, { 0, 2, true, true, LONG, true },
	};
	static const int threads[] = { 4, 16, 32 };
	struct unions u = { 0 };

	(void)state;
	for (uint32_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (uint32_t seed = 1; seed <= 3; seed++) {
			struct parking p = cases[c];
			struct unions one = { 0 };

			p.threads = threads[(c + seed) % 3];
			unions_count(&p, seed, &one);
			if (one.missed)
				unions_show("this one", &one);
			u.keys += one.keys;
			u.weak += one.weak;
			u.wrong += one.wrong;
			u.missed += one.missed;
		}
	unions_show("all", &u);
	assert_int_equal(u.missed, 0);
	/* The test can tell: two locks that are nested at one site are one key, which does not look weak. */
	memset(&u, 0, sizeof(u));
	unions_count(&(struct parking){ 32, 2, false, true, LONG, false }, 1, &u);
	unions_show("nested at one site", &u);
	assert_true(u.wrong > 0 && u.missed == u.wrong);
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
