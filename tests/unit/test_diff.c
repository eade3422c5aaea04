// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/report/ user/report/why/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * Two recordings compared. Would catch: a difference with the wrong sign, a row
 * that is only in one of them and is lost, division by the other's length, an
 * interval narrower than either side's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/report/bounds.h"
#include "../../user/report/diff.h"
#include "fixture_report.h"

static const struct lsp_diff_row *row_of(const struct lsp_diff *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->rows[i].name, name))
			return &d->rows[i];
	fail_msg("no row %s", name);
	return NULL;
}

/* NEW has lost slow_update and got another function; what fast_update waits is halved. */
static void sides_make(struct lsp_recording *base, struct lsp_recording *new)
{
	static const struct fixture_events events[] = {
		{ .function = "fast_update", .line = 61, .lock = "g_mu", .count = 50, .ns = 3500e6 },
		{ .function = "brand_new", .line = 5, .lock = "n_mu", .count = 2, .ns = 40e6 },
		{ .release = true, .function = "fast_update", .line = 66, .lock = "g_mu", .count = 50, .ns = 3000e6 },
	};

	fixture_recording(base);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		fixture_events_add(new, &events[i]);
}

static void test_signs_and_sides(void **state)
{
	struct lsp_recording base = { 0 }, new = { 0 };
	const struct lsp_diff_row *row;
	struct lsp_diff d;

	(void)state;
	sides_make(&base, &new);
	assert_int_equal(lsp_diff_create(&base, &new, LSP_BY_SITE, LSP_PER_RUN, 1, 1, &d), 0);
	row = row_of(&d, "fast_update");
	assert_true(row->after[LSP_V_WAITED] - row->before[LSP_V_WAITED] == -3501e6);
	assert_true(row->after[LSP_V_BLAMED] - row->before[LSP_V_BLAMED] == 2900e6);
	row = row_of(&d, "slow_update");
	assert_null(row->new);
	assert_true(row->after[LSP_V_BLAMED] - row->before[LSP_V_BLAMED] == -6700e6);
	row = row_of(&d, "brand_new");
	assert_null(row->base);
	assert_true(row->after[LSP_V_WAITED] == 40e6 && row->before[LSP_V_WAITED] == 0);
	assert_true(d.total.after[LSP_V_WAITED] - d.total.before[LSP_V_WAITED] == 3540e6 - 8201e6);
	/* The greatest change first. */
	assert_string_equal(d.rows[0].name, "slow_update");
	assert_string_equal(d.rows[1].name, "fast_update");
	lsp_diff_destroy(&d);

	/* Either way round the difference is the same but for its sign. */
	assert_int_equal(lsp_diff_create(&new, &base, LSP_BY_SITE, LSP_PER_RUN, 1, 1, &d), 0);
	row = row_of(&d, "fast_update");
	assert_true(row->after[LSP_V_WAITED] - row->before[LSP_V_WAITED] == 3501e6);
	lsp_diff_destroy(&d);
	lsp_recording_uninit(&base);
	lsp_recording_uninit(&new);
}

static void test_divided(void **state)
{
	struct lsp_recording base = { 0 }, new = { 0 };
	const struct lsp_diff_row *row;
	struct lsp_diff d;

	(void)state;
	sides_make(&base, &new);
	assert_int_equal(lsp_diff_create(&base, &new, LSP_BY_LOCK, LSP_PER_SECOND, 2, 0.5, &d), 0);
	row = row_of(&d, "g_mu");
	assert_true(row->before[LSP_V_WAITED] == 3500e6 && row->after[LSP_V_WAITED] == 7000e6);
	assert_true(row->before[LSP_V_WAITS] == 50 && row->after[LSP_V_WAITS] == 100);
	assert_true(row->before[LSP_V_HANDOFF] == 100e6 && row->after[LSP_V_HANDOFF] == 0);
	lsp_diff_destroy(&d);
	lsp_recording_uninit(&base);
	lsp_recording_uninit(&new);
}

static void test_same(void **state)
{
	struct lsp_recording base = { 0 };
	struct lsp_diff d;

	(void)state;
	fixture_recording(&base);
	assert_int_equal(lsp_diff_create(&base, &base, LSP_BY_SITE, LSP_PER_RUN, 1, 1, &d), 0);
	for (size_t i = 0; i < d.n; i++)
		for (int v = 0; v < LSP_V_COUNT; v++)
			assert_true(d.rows[i].before[v] == d.rows[i].after[v]);
	assert_int_equal(d.n, 3);
	lsp_diff_destroy(&d);
	lsp_recording_uninit(&base);
}

static void test_other_kinds(void **state)
{
	struct lsp_recording waits = { 0 }, releases = { 0 };
	struct lsp_diff d;

	(void)state;
	waits.parts[LSP_PART_BLOCK] = lsp_profile_create(lsp_profile_contention_types, 2);
	releases.parts[LSP_PART_MUTEX] = lsp_profile_create(lsp_profile_contention_types, 2);
	assert_int_equal(lsp_diff_create(&waits, &releases, LSP_BY_SITE, LSP_PER_RUN, 1, 1, &d), -EINVAL);
	lsp_recording_uninit(&waits);
	lsp_recording_uninit(&releases);
}

static void near_to(double got, double want)
{
	if (fabs(got - want) > 1e-6)
		fail_msg("%g, not %g", got, want);
}

/* 3-4-5: distances to the limits add up as the sides of a right angle do. */
static void test_bounds(void **state)
{
	const struct lsp_bounds exact = { .trust = LSP_TRUST_EXACT };
	const struct lsp_bounds few = { .trust = LSP_TRUST_TOO_FEW };
	const struct lsp_bounds a = { LSP_TRUST_SHOWN, 97, 104 }, b = { LSP_TRUST_SHOWN, 47, 54 };
	struct lsp_bounds_sum sum = { 0 };
	struct lsp_bounds d = lsp_bounds_difference(100, &a, 50, &b);

	(void)state;
	assert_int_equal(d.trust, LSP_TRUST_SHOWN);
	near_to(d.low_ns, 50 - 5);	/* 3 below 100, 4 above 50 */
	near_to(d.high_ns, 50 + 5);
	d = lsp_bounds_difference(50, &b, 100, &a);
	near_to(d.low_ns, -55);
	near_to(d.high_ns, -45);
	d = lsp_bounds_difference(100, &a, 50, &exact);
	near_to(d.low_ns, 47);
	near_to(d.high_ns, 54);
	assert_int_equal(lsp_bounds_difference(1, &few, 2, &exact).trust, LSP_TRUST_TOO_FEW);
	assert_int_equal(lsp_bounds_difference(1, &exact, 2, &exact).trust, LSP_TRUST_EXACT);

	lsp_bounds_add(&sum, 100, &a);
	lsp_bounds_add(&sum, 50, &b);
	d = lsp_bounds_of(&sum, 150);
	near_to(d.low_ns, 150 - sqrt(18));
	near_to(d.high_ns, 150 + sqrt(32));
	/* A tenth of the row has no interval: then it has none. */
	assert_int_equal(lsp_bounds_of(&sum, 165).trust, LSP_TRUST_TOO_FEW);
	lsp_bounds_add(&sum, 1, &few);
	assert_int_equal(lsp_bounds_of(&sum, 151).trust, LSP_TRUST_TOO_FEW);
}

static void test_written(void **state)
{
	struct lsp_recording base = { 0 }, new = { 0 };
	struct json_object *o;
	struct lsp_diff d;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	(void)state;
	sides_make(&base, &new);
	lsp_facts_add_profile(&base.facts, base.parts[LSP_PART_BLOCK]);
	lsp_facts_add_profile(&new.facts, new.parts[LSP_PART_BLOCK]);
	assert_int_equal(lsp_diff_create(&base, &new, LSP_BY_SITE, LSP_PER_RUN, 1, 1, &d), 0);
	lsp_diff_text(f, &d, 2);
	fclose(f);
	assert_non_null(strstr(text, "   -3.50s   -50.0%     7.00s->3.50s        101->50"));
	assert_non_null(strstr(text, "   -6.70s  -100.0%     6.70s->0             10->0"));
	assert_non_null(strstr(text, " more rows"));
	free(text);
	o = lsp_diff_json(&d, 20);
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	assert_non_null(strstr(text, "{\"site\":\"slow_update\",\"block\":{\"contentions\":{\"base\":0,\"new\":0,\"delta\":0}"));
	assert_non_null(strstr(text, "\"delay_ns\":{\"base\":6700000000,\"new\":0,\"delta\":-6700000000},\"interval\":\"exact\"}"));
	free(text);
	json_object_put(o);
	lsp_diff_destroy(&d);
	lsp_recording_uninit(&base);
	lsp_recording_uninit(&new);
}

/* Waits that one side never kept are no change of the program, and it says so. */
static void test_min_delay(void **state)
{
	static const char whole[] = "{\"format\":1,\"min_delay_ns\":0}", cut[] = "{\"format\":1,\"min_delay_ns\":1000000}";
	struct lsp_recording base = { 0 }, new = { 0 };
	char why[64], *text = NULL;
	struct lsp_diff d;
	size_t bytes;
	FILE *f;

	(void)state;
	sides_make(&base, &new);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lsp_facts_add_record(&base.facts, whole, why, sizeof(why)), 0);
		assert_int_equal(lsp_facts_add_record(&new.facts, i ? cut : whole, why, sizeof(why)), 0);
		assert_int_equal(lsp_diff_create(&base, &new, LSP_BY_SITE, LSP_PER_RUN, 1, 1, &d), 0);
		f = open_memstream(&text, &bytes);
		lsp_diff_text(f, &d, 20);
		fclose(f);
		assert_true(!strstr(text, "BASE leaves out waits below 0, NEW those below 1.00ms (--min-delay)") == !i);
		free(text);
		lsp_diff_destroy(&d);
	}
	lsp_recording_uninit(&base);
	lsp_recording_uninit(&new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signs_and_sides),
		cmocka_unit_test(test_divided),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_min_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
