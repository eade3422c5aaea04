// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the waits for each lock were. Would catch: a percentile that is off by more than a bucket, of another
 * lock's waits, of a part of a lock's waits or of a sample; a lock on words of its threads that has none.
 *
 * sources: user/collect/ user/collect/roles/ user/collect/roots/
 * sources: user/results/profiles.c user/results/groups.c user/results/unblamed.c user/results/why.c user/results/losses.c
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
 * sources: user/profile/pprof.c user/profile/pprof_write.c user/profile/pprof_encode.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/gzip.c user/profile/utf8.c
 * sources: user/profile/profile.pb-c.c user/profile/estimate.c
 * sources: tests/unit/fixture_resolver.c user/resolve/trace.c tests/unit/fixture_collector.c tests/unit/fixture_parking.c
 * libs: -lprotobuf-c -lz -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/spreads.h"
#include "../../user/results/groups.h"
#include "fixture_collector.h"
#include "fixture_parking.h"
#include "fixture_resolver.h"

static int number_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorts @waits. Each length is the one that the list has there, within 1 %. */
static void lengths_are(const struct lsp_lengths *l, uint64_t *waits, size_t n)
{
	static const size_t of_thousand[LSP_LENGTH_COUNT] = { 500, 900, 990, 999, 1000 };

	qsort(waits, n, sizeof(*waits), number_compare);
	for (int i = 0; i < LSP_LENGTH_COUNT; i++)
		assert_true(fabs(l->ns[i] / (double)waits[(of_thousand[i] * n + 999) / 1000 - 1] - 1) < 0.01);
}

/* Of any number of waits of any length: the one that a sorted list has there, within 1 %. */
static void as_a_sorted_list(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 99, 100, 101, 10000 };
	uint64_t *waits = calloc(10000, sizeof(*waits));

	(void)state;
	twister_seed(7);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		size_t n = sizes[k];
		struct lsp_spreads s;
		struct lsp_lengths l;
		uint32_t a, b;

		assert_int_equal(lsp_spreads_init(&s), 0);
		/* Two keys of one lock, and one of another, whose waits are all longer. */
		a = lsp_spreads_at(&s, 11);
		b = lsp_spreads_at(&s, 12);
		lsp_spreads_add(&s, lsp_spreads_at(&s, 13), 1ULL << 45);
		for (size_t i = 0; i < n; i++) {
			waits[i] = (uint64_t)exp(log(64) + twister_random() * (log(1e13) - log(64)));
			lsp_spreads_add(&s, i % 3 ? a : b, waits[i]);
		}
		assert_int_equal(lsp_spreads_name(&s, a, 700), 0);
		assert_int_equal(lsp_spreads_name(&s, b, 700), 0);
		assert_int_equal(lsp_spreads_name(&s, lsp_spreads_at(&s, 13), 3), 0);
		assert_true(lsp_spreads_lengths(&s, 700, n, &l));
		lengths_are(&l, waits, n);
		assert_false(lsp_spreads_lengths(&s, 700, n + 1, &l));
		assert_false(lsp_spreads_lengths(&s, 701, n, &l));
		lsp_spreads_uninit(&s);
	}
	free(waits);
}

enum { EXPONENTIAL, PARETO, BIMODAL, DISTRIBUTIONS };

static double draw_ns(int distribution)
{
	double x = twister_random(), y = twister_random();

	x = x > 0 ? x : 1e-12;
	if (distribution == EXPONENTIAL)
		return 100 - log(x) * 1e6;
	if (distribution == PARETO)
		return 1e4 * pow(x, -1 / 1.2);
	return y < 0.95 ? 2e4 + 1e4 * x : 4e7 + 1e7 * x;
}

/* Of waits as programs have them, long tails among them. */
static void of_distributions(void **state)
{
	const size_t n = 100000;
	uint64_t *waits = calloc(n, sizeof(*waits));

	(void)state;
	twister_seed(11);
	for (int distribution = 0; distribution < DISTRIBUTIONS; distribution++) {
		struct lsp_lengths l;
		struct lsp_spreads s;
		uint32_t a;

		assert_int_equal(lsp_spreads_init(&s), 0);
		a = lsp_spreads_at(&s, 11);
		for (size_t i = 0; i < n; i++) {
			waits[i] = (uint64_t)draw_ns(distribution);
			lsp_spreads_add(&s, a, waits[i]);
		}
		assert_int_equal(lsp_spreads_name(&s, a, 5), 0);
		assert_true(lsp_spreads_lengths(&s, 5, n, &l));
		lengths_are(&l, waits, n);
		lsp_spreads_uninit(&s);
	}
	free(waits);
}

/* The shortest and the longest; keys that find no room; names that two keys share with others. */
static void at_the_limits(void **state)
{
	struct lsp_spreads s;
	struct lsp_lengths l;
	uint32_t a, b;

	(void)state;
	assert_int_equal(lsp_spreads_init(&s), 0);
	a = lsp_spreads_at(&s, 1);
	lsp_spreads_add(&s, a, 0);
	lsp_spreads_name(&s, a, 1);
	assert_true(lsp_spreads_lengths(&s, 1, 1, &l) && l.ns[LSP_LENGTH_P50] < 66 &&
		    l.ns[LSP_LENGTH_MAX] == l.ns[LSP_LENGTH_P50]);
	lsp_spreads_add(&s, a, UINT64_MAX);
	assert_false(lsp_spreads_lengths(&s, 1, 2, &l));
	/* One key that had two names: neither is told, nor is what else has such a name. */
	b = lsp_spreads_at(&s, 2);
	lsp_spreads_add(&s, b, 500);
	lsp_spreads_name(&s, b, 2);
	assert_true(lsp_spreads_lengths(&s, 2, 1, &l));
	lsp_spreads_name(&s, b, 3);
	assert_false(lsp_spreads_lengths(&s, 2, 1, &l));
	b = lsp_spreads_at(&s, 4);
	lsp_spreads_add(&s, b, 500);
	lsp_spreads_name(&s, b, 3);
	assert_false(lsp_spreads_lengths(&s, 3, 1, &l));
	for (uint64_t key = 100; key < 20000; key++)
		a = lsp_spreads_at(&s, key);
	assert_int_equal(a, 0);
	lsp_spreads_add(&s, a, 500);
	lsp_spreads_name(&s, a, 9);
	assert_false(lsp_spreads_lengths(&s, 9, 1, &l));
	assert_int_equal(lsp_spreads_at(&s, 2), 2);
	lsp_spreads_uninit(&s);
}

/* Feeds @n waits of 1, 2, 3 ... ms for the lock of @key. */
static void feed_waits(struct feeder *f, uint64_t stack, uint64_t key, unsigned int n, uint64_t rate_ns)
{
	for (unsigned int i = 1; i <= n; i++) {
		struct lockspan_span s = span(stack, key, i * 1000000ULL);

		s.tid = i % 5;
		s.rate_ns = rate_ns;
		/* Timeouts are waits too; waits that did not sleep are none. */
		if (i % 4 == 0) {
			s.outcome = LOCKSPAN_TIMEOUT;
			s.run_ns = s.wake_ns;
			s.wake_ns = 0;
		}
		feed(f, &s);
		s.outcome = LOCKSPAN_NOSLEEP;
		feed(f, &s);
	}
}

/* Feeds @n releases that are charged with 1, 2, 3 ... us. */
static void feed_releases(struct feeder *f, uint64_t stack, uint64_t key, unsigned int n, uint32_t fraction)
{
	for (unsigned int i = 1; i <= n; i++) {
		struct lockspan_release r = release(stack, key, i * 1000ULL);

		r.fraction = fraction;
		feed(f, &r);
	}
}

static bool lengths_of(const struct feeder *f, const char *lock, bool holds, struct lsp_lengths *ret)
{
	struct lsp_groups g;
	bool known = false;

	assert_int_equal(lsp_groups_create(f->c, LSP_GROUP_LOCK, &g), 0);
	for (size_t i = 0; i < g.n; i++)
		if (!strcmp(g.groups[i].lock, lock))
			known = lsp_collector_lengths(f->c, g.groups[i].lock, holds,
						      holds ? g.groups[i].mutex.kept : g.groups[i].block.kept, ret);
	lsp_groups_destroy(&g);
	return known;
}

static void of_a_recording(void **state)
{
	struct lsp_profiles_summary s;
	struct lsp_lengths l;
	struct feeder f;

	(void)state;
	begin(&f);
	locks_in_variables = true;
	feed_stack_of(&f, 1, 3, 10, RIP(MUTEX, 0));
	feed_stack_of(&f, 1, 4, 11, RIP(MUTEX, 0));
	feed_stack_of(&f, 1, 5, 12, RIP(MUTEX, 0));
	feed_waits(&f, 10, 5, 100, 1);
	feed_releases(&f, 10, 5, 1000, 1);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	feed_waits(&f, 10, 6, 100, 1);
	/* One address, two names. */
	feed_waits(&f, 11, 7, 100, 1);
	feed_waits(&f, 12, 7, 100, 1);
	feed_releases(&f, 11, 7, 100, 1);
	feed_releases(&f, 12, 7, 100, 1);
	finish(&f, &s);
	assert_true(lengths_of(&f, "variable of 3", false, &l));
	assert_true(fabs(l.ns[LSP_LENGTH_P50] / 50e6 - 1) < 0.01 && fabs(l.ns[LSP_LENGTH_P99] / 99e6 - 1) < 0.01);
	assert_true(lengths_of(&f, "variable of 3", true, &l));
	assert_true(fabs(l.ns[LSP_LENGTH_P90] / 900e3 - 1) < 0.01 && fabs(l.ns[LSP_LENGTH_MAX] / 1000e3 - 1) < 0.01);
	for (int holds = 0; holds < 2; holds++) {
		assert_false(lengths_of(&f, "variable of 4", holds, &l));
		assert_false(lengths_of(&f, "variable of 5", holds, &l));
	}
	lsp_collector_destroy(f.c);

	begin(&f);
	locks_in_variables = true;
	feed_stack_of(&f, 1, 3, 10, RIP(MUTEX, 0));
	feed_waits(&f, 10, 5, 100, 20000000);
	feed_releases(&f, 10, 5, 1000, 3);
	finish(&f, &s);
	assert_false(lengths_of(&f, "variable of 3", false, &l));
	assert_false(lengths_of(&f, "variable of 3", true, &l));
	lsp_collector_destroy(f.c);
}

/* Locks whose threads sleep on words of their own have the waits that went to their virtual keys. */
static void of_virtual_keys(void **state)
{
	const struct parking p = { .threads = 32, .locks = 1, .slow_s = 2e-3, .fast_s = 2e-4, .wake_s = 5e-5 };
	struct lsp_lengths l;
	struct lsp_groups g;
	double waits = 0;
	struct parked k;
	struct feeder f;

	(void)state;
	parking_run(&p, 1, &k);
	begin(&f);
	locks_native = false;
	sites_by_rip = true;
	for (size_t i = 0; i < k.n; i++) {
		const struct lsp_wait *w = &k.waits[i];
		struct lockspan_span s = span(1, w->key, 0);
		struct lockspan_release r = release(1, w->key, 1000);

		s.id = r.span = i + 1;
		s.enq_ns = w->enq_ns;
		s.wake_ns = r.time_ns = w->wake_ns;
		s.run_ns = w->run_ns;
		s.tid = r.waiter_tid = w->tid;
		r.tid = w->by;
		r.waiters = 0;
		feed(&f, &s);
		feed(&f, &r);
	}
	feed_stack(&f, 1, 1, RIP(MUTEX, 1));
	assert_int_equal(lsp_collector_finish(f.c), 0);
	assert_int_equal(lsp_groups_create(f.c, LSP_GROUP_LOCK, &g), 0);
	for (size_t i = 0; i < g.n; i++) {
		if (!g.groups[i].block.kept)
			continue;
		assert_int_equal(strncmp(g.groups[i].lock, "parked@", 7), 0);
		assert_true(lsp_collector_lengths(f.c, g.groups[i].lock, false, g.groups[i].block.kept, &l));
		assert_true(l.ns[LSP_LENGTH_P50] <= l.ns[LSP_LENGTH_P99]);
		assert_true(fabs(l.ns[LSP_LENGTH_MAX] / g.groups[i].block.largest_ns - 1) < 0.01);
		assert_true(lsp_collector_lengths(f.c, g.groups[i].lock, true, g.groups[i].mutex.kept, &l));
		waits += g.groups[i].block.count;
	}
	assert_true(waits == (double)k.n);
	lsp_groups_destroy(&g);
	lsp_collector_destroy(f.c);
	parked_uninit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_a_sorted_list), cmocka_unit_test(of_distributions), cmocka_unit_test(at_the_limits),
		cmocka_unit_test(of_a_recording), cmocka_unit_test(of_virtual_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
