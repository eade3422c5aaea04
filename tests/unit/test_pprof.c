// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: two samples where one belongs, or one where two do; a stack or a
 * label that changes on its way to a file and back; a value rounded wrongly or
 * a small count that vanishes; output that differs from run to run.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/gzip.c user/profile/wire.c
 * sources: user/profile/pprof.c user/profile/pprof_encode.c user/profile/pprof_write.c
 * sources: user/profile/pprof_decode.c user/profile/pprof_read.c user/profile/pprof_join.c
 * sources: user/profile/profile.pb-c.c tests/unit/fixture_profile.c
 * libs: -lprotobuf-c -lz
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixture_profile.h"

#define SOURCE "/opt/lab/prog.c"

struct bytes {
	void *data;
	size_t bytes;
};

static struct bytes written(const struct lsp_profile *p)
{
	struct bytes b;

	assert_int_equal(lsp_profile_write_mem(p, &b.data, &b.bytes), 0);
	return b;
}

static struct lsp_profile *read_back(const struct lsp_profile *p)
{
	struct bytes b = written(p);
	struct lsp_profile *back;
	char why[256] = "";

	if (lsp_profile_read_mem(b.data, b.bytes, &back, why, sizeof(why)))
		fail_msg("cannot read our own: %s", why);
	free(b.data);
	return back;
}

static void assert_same_bytes(const struct lsp_profile *a, const struct lsp_profile *b)
{
	struct bytes x = written(a), y = written(b);

	assert_int_equal(x.bytes, y.bytes);
	assert_memory_equal(x.data, y.data, x.bytes);
	free(x.data);
	free(y.data);
}

/* ---- building ---- */

static void test_merge(void **state)
{
	const struct lsp_profile_label ab[2] = { { "a", "x", 0, NULL }, { "b", NULL, 7, "id" } };
	const struct lsp_profile_label ba[2] = { { "b", NULL, 7, "id" }, { "a", "x", 0, NULL } };
	const struct lsp_profile_label other[2] = { { "a", "x", 0, NULL }, { "b", NULL, 8, "id" } };
	const struct lsp_profile_label unit[2] = { { "a", "x", 0, NULL }, { "b", NULL, 7, "" } };
	const struct lsp_profile_label empty[3] = { ab[0], ab[1], { "c", "", 0, NULL } };
	const double values[2] = { 1, 10 };
	struct lsp_profile_sample s;
	struct fixture f;

	(void)state;
	fixture_create(&f, 0, SOURCE);
	assert_int_equal(lsp_profile_samples(f.p), FIXTURE_SAMPLES);
	fixture_sample(&f, "counter_mu", 1, 5);
	assert_int_equal(lsp_profile_samples(f.p), FIXTURE_SAMPLES);
	assert_true(lsp_profile_sample(f.p, 0, &s));
	assert_true(s.values[0] == 11 && s.values[1] == 1e9 + 5);
	lsp_profile_sample_add(f.p, &f.lock, 1, ab, 2, values);
	lsp_profile_sample_add(f.p, &f.lock, 1, ba, 2, values);
	lsp_profile_sample_add(f.p, &f.lock, 1, empty, 3, values);
	assert_int_equal(lsp_profile_samples(f.p), FIXTURE_SAMPLES + 1);
	lsp_profile_sample_add(f.p, &f.lock, 1, other, 2, values);
	lsp_profile_sample_add(f.p, &f.lock, 1, unit, 2, values);
	lsp_profile_sample_add(f.p, NULL, 0, NULL, 0, values);
	assert_int_equal(lsp_profile_samples(f.p), FIXTURE_SAMPLES + 4);
	assert_true(lsp_profile_sample(f.p, FIXTURE_SAMPLES, &s));
	assert_true(s.values[0] == 3 && s.values[1] == 30);
	assert_int_equal(s.nlabels, 2);
	assert_string_equal(s.labels[0].key, "a");
	assert_null(s.labels[1].str);
	assert_int_equal(s.labels[1].num, 7);
	assert_string_equal(s.labels[1].unit, "id");
	assert_false(lsp_profile_sample(f.p, FIXTURE_SAMPLES + 4, &s));
	lsp_profile_destroy(f.p);
}

static void test_refused(void **state)
{
	const struct lsp_profile_label bad[][2] = {
		{ { "", "x", 0, NULL }, { "k", "x", 0, NULL } },
		{ { NULL, "x", 0, NULL }, { "k", "x", 0, NULL } },
		{ { "pprof::base", "x", 0, NULL }, { "k", "x", 0, NULL } },
		{ { "k", "x", 0, NULL }, { "k", "y", 0, NULL } },
		{ { "k", "x", 0, NULL }, { "k", NULL, 3, "id" } },
	};
	const double values[2] = { 1, 10 }, nan_value[2] = { 1, NAN }, infinite[2] = { INFINITY, 1 };
	const uint64_t none = 0, unknown = 4;
	const struct lsp_profile_line line = { "f", "f", "", 0, 0 };
	struct lsp_profile_type many[LSP_PROFILE_MAX_TYPES + 1] = { { "a", "b" } };
	struct fixture f;
	size_t i;

	(void)state;
	fixture_create(&f, 0, SOURCE);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(lsp_profile_sample_add(f.p, &f.lock, 1, bad[i], 2, values), -EINVAL);
	assert_int_equal(lsp_profile_sample_add(f.p, &none, 1, NULL, 0, values), -EINVAL);
	assert_int_equal(lsp_profile_sample_add(f.p, &unknown, 1, NULL, 0, values), -EINVAL);
	assert_int_equal(lsp_profile_sample_add(f.p, &f.lock, 1, NULL, 0, nan_value), -EINVAL);
	assert_int_equal(lsp_profile_sample_add(f.p, &f.lock, 1, NULL, 0, infinite), -EINVAL);
	assert_int_equal(lsp_profile_location_add(f.p, 3, 0x1000, &line, 1), -EINVAL);
	assert_int_equal(lsp_profile_location_add(f.p, 1, 0, &line, 1), -EINVAL);
	assert_int_equal(lsp_profile_location_add(f.p, 0, 0, NULL, 0), -EINVAL);
	assert_int_equal(lsp_profile_samples(f.p), FIXTURE_SAMPLES);
	assert_null(lsp_profile_create(many, 0));
	assert_null(lsp_profile_create(many, LSP_PROFILE_MAX_TYPES + 1));
	lsp_profile_destroy(f.p);
	lsp_profile_destroy(NULL);
}

static void test_locations(void **state)
{
	const struct lsp_profile_line one = { "f", "f", "/f.c", 3, 1 }, two = { "f", "f", "/f.c", 4, 1 };
	const struct lsp_profile_line a = { "[a]", "[a]", "", 0, 0 }, b = { "[b]", "[b]", "", 0, 0 };
	struct lsp_profile_location l, m;
	struct fixture f;
	int64_t first;

	(void)state;
	fixture_create(&f, 0, SOURCE);
	first = lsp_profile_location_add(f.p, 1, 0x555555554300, &one, 1);
	assert_int_equal(first, 4);
	assert_int_equal(lsp_profile_location_add(f.p, 1, 0x555555554300, &one, 1), 4);
	assert_int_equal(lsp_profile_location_add(f.p, 1, 0x555555554300, &two, 1), 5);
	assert_int_equal(lsp_profile_location_add(f.p, 2, 0x555555554300, &one, 1), 6);
	assert_int_equal(lsp_profile_location_add(f.p, 1, 0x555555554301, NULL, 0), 7);
	assert_int_equal(lsp_profile_location_add(f.p, 0, 0, &a, 1), 8);
	assert_int_equal(lsp_profile_location_add(f.p, 0, 0, &a, 1), 8);
	assert_int_equal(lsp_profile_location_add(f.p, 0, 0, &b, 1), 9);
	assert_true(lsp_profile_location(f.p, 8, &l) && lsp_profile_location(f.p, 9, &m));
	assert_true(l.address && m.address && l.address != m.address);
	assert_true(lsp_profile_location(f.p, 7, &l));
	assert_int_equal(l.nlines, 0);
	assert_false(lsp_profile_location(f.p, 0, &l));
	assert_false(lsp_profile_location(f.p, 10, &l));
	lsp_profile_destroy(f.p);
}

/* Enough of everything to make each table grow many times. */
static void test_many(void **state)
{
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2), *back;
	const double values[2] = { 1, 3 };
	struct lsp_profile_sample s;
	struct lsp_profile_location l;
	uint64_t stack[3];
	char name[32];
	size_t i, round;

	(void)state;
	for (round = 0; round < 2; round++)
		for (i = 0; i < 20000; i++) {
			struct lsp_profile_line line = { name, name, "", (int64_t)i, 0 };

			snprintf(name, sizeof(name), "function_%zu", i);
			stack[0] = (uint64_t)lsp_profile_location_add(p, 0, 0x1000 + i, &line, 1);
			assert_int_equal(stack[0], i + 1);
			stack[1] = i / 2 + 1;
			stack[2] = i / 3 + 1;
			assert_int_equal(lsp_profile_sample_add(p, stack, 1 + i % 3, NULL, 0, values), 0);
		}
	assert_int_equal(lsp_profile_samples(p), 20000);
	back = read_back(p);
	assert_int_equal(lsp_profile_samples(back), 20000);
	for (i = 0; i < 20000; i++) {
		assert_true(lsp_profile_sample(back, i, &s));
		assert_int_equal(s.nlocations, 1 + i % 3);
		assert_true(s.values[0] == 2 && s.values[1] == 6);
		assert_true(lsp_profile_location(back, s.locations[0], &l));
		assert_int_equal(l.address, 0x1000 + i);
		snprintf(name, sizeof(name), "function_%zu", i);
		assert_string_equal(l.lines[0].function, name);
	}
	lsp_profile_destroy(back);
	lsp_profile_destroy(p);
}

/* ---- to a file and back ---- */

static void assert_location_equal(const struct lsp_profile *a, uint64_t x,
				  const struct lsp_profile *b, uint64_t y)
{
	struct lsp_profile_mapping m, n;
	struct lsp_profile_location l, k;
	size_t i;

	assert_true(lsp_profile_location(a, x, &l) && lsp_profile_location(b, y, &k));
	assert_int_equal(l.address, k.address);
	assert_int_equal(l.nlines, k.nlines);
	for (i = 0; i < l.nlines; i++) {
		assert_string_equal(l.lines[i].function, k.lines[i].function);
		assert_string_equal(l.lines[i].system_name, k.lines[i].system_name);
		assert_string_equal(l.lines[i].file, k.lines[i].file);
		assert_int_equal(l.lines[i].line, k.lines[i].line);
		assert_int_equal(l.lines[i].start_line, k.lines[i].start_line);
	}
	assert_int_equal(lsp_profile_mapping(a, l.mapping, &m), lsp_profile_mapping(b, k.mapping, &n));
	if (!l.mapping)
		return;
	assert_int_equal(m.start, n.start);
	assert_int_equal(m.limit, n.limit);
	assert_int_equal(m.offset, n.offset);
	assert_string_equal(m.filename, n.filename);
	assert_string_equal(m.build_id, n.build_id);
	assert_int_equal(m.has_functions, n.has_functions);
}

static void test_round_trip(void **state)
{
	/* Where the fixture's samples stand after sorting by delay, ties in order. */
	static const size_t order[FIXTURE_SAMPLES] = { 1, 0, 3, 4, 2 };
	struct lsp_profile_sample s, t;
	struct lsp_profile *back;
	struct fixture f;
	size_t i, k;

	(void)state;
	fixture_create(&f, 0, SOURCE);
	back = read_back(f.p);
	assert_int_equal(lsp_profile_types(back), 2);
	assert_string_equal(lsp_profile_type(back, 0)->type, "contentions");
	assert_string_equal(lsp_profile_type(back, 1)->unit, "nanoseconds");
	assert_null(lsp_profile_type(back, 2));
	assert_string_equal(lsp_profile_comment(back, 0), "lockspan: block profile");
	assert_null(lsp_profile_comment(back, 1));
	assert_true(lsp_profile_time_ns(back) == FIXTURE_TIME_NS && !lsp_profile_duration_ns(back));
	assert_int_equal(lsp_profile_samples(back), FIXTURE_SAMPLES);
	for (i = 0; i < FIXTURE_SAMPLES; i++) {
		assert_true(lsp_profile_sample(f.p, order[i], &s) && lsp_profile_sample(back, i, &t));
		assert_int_equal(s.nlocations, t.nlocations);
		for (k = 0; k < s.nlocations; k++)
			assert_location_equal(f.p, s.locations[k], back, t.locations[k]);
		assert_int_equal(s.nlabels, t.nlabels);
		for (k = 0; k < s.nlabels; k++) {
			assert_string_equal(s.labels[k].key, t.labels[k].key);
			assert_int_equal(!s.labels[k].str, !t.labels[k].str);
			if (s.labels[k].str)
				assert_string_equal(s.labels[k].str, t.labels[k].str);
			assert_int_equal(s.labels[k].num, t.labels[k].num);
			assert_string_equal(s.labels[k].unit, t.labels[k].unit);
		}
	}
	assert_same_bytes(f.p, back);
	lsp_profile_destroy(back);
	lsp_profile_destroy(f.p);
}

static void test_empty(void **state)
{
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2), *back;

	(void)state;
	back = read_back(p);
	assert_int_equal(lsp_profile_samples(back), 0);
	assert_int_equal(lsp_profile_types(back), 2);
	assert_same_bytes(p, back);
	lsp_profile_destroy(back);
	lsp_profile_destroy(p);
}

static void test_rounding(void **state)
{
	static const struct {
		double count, delay;
		int64_t count_want, delay_want;	/* both 0: not written */
	} rows[] = {
		{ 1, 0.49, 1, 0 }, { 1, 0.5, 1, 1 }, { 1.5, 2.4, 2, 2 }, { 0.1, 7, 1, 7 },
		{ 0, 7, 0, 7 }, { 0.1, 0.1, 1, 0 }, { 0, 0.4, 0, 0 }, { 0, 0, 0, 0 },
		{ -0.4, -3, 0, -3 }, { -0.5, -2.5, -1, -3 }, { -0.2, 0.2, 0, 0 },
		{ 1, 0.49999999999999994, 1, 0 }, { 1, 4503599627370497.5, 1, 4503599627370498 },
		{ 1, 9007199254740991.0, 1, 9007199254740991 },
		{ 1e300, -1e300, INT64_MAX, INT64_MIN },
	};
	struct lsp_profile_sample s;
	struct lsp_profile *back;
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const double values[2] = { rows[i].count, rows[i].delay };

		fixture_create(&f, 0, SOURCE);
		lsp_profile_destroy(f.p);
		f.p = lsp_profile_create(lsp_profile_contention_types, 2);
		assert_int_equal(lsp_profile_sample_add(f.p, NULL, 0, NULL, 0, values), 0);
		back = read_back(f.p);
		if (!rows[i].count_want && !rows[i].delay_want) {
			assert_int_equal(lsp_profile_samples(back), 0);
		} else {
			assert_true(lsp_profile_sample(back, 0, &s));
			if (s.values[0] != (double)rows[i].count_want ||
			    s.values[1] != (double)rows[i].delay_want)
				fail_msg("row %zu: %f, %f", i, s.values[0], s.values[1]);
		}
		lsp_profile_destroy(back);
		lsp_profile_destroy(f.p);
	}
}

/* Two made alike are alike; no clock, no address of ours, no hash shows. */
static void test_deterministic(void **state)
{
	struct fixture a, b;
	void *shift = malloc(12345);

	(void)state;
	fixture_create(&a, 0, SOURCE);
	free(shift);
	fixture_create(&b, 0, SOURCE);
	assert_same_bytes(a.p, b.p);
	lsp_profile_destroy(a.p);
	lsp_profile_destroy(b.p);
}

static void test_default_type(void **state)
{
	static const struct lsp_profile_type types[3] = {
		{ "contentions", "count" }, { "delay", "nanoseconds" }, { "wakes", "count" },
	};
	struct lsp_profile *p = lsp_profile_create(types, 3), *back = read_back(p);

	(void)state;
	assert_int_equal(lsp_profile_types(back), 3);
	assert_same_bytes(p, back);	/* the default itself is checked by pprof-format.sh */
	lsp_profile_destroy(back);
	lsp_profile_destroy(p);
}

/* Thread names and symbols are any bytes; a file must hold UTF-8. */
static void test_text(void **state)
{
	static const char *const rows[][2] = {
		{ "gr\xc3\xbc\xc3\x9f" "e", "gr\xc3\xbc\xc3\x9f" "e" },
		{ "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92" },
		{ "a\xff" "b", "a\xef\xbf\xbd" "b" },
		{ "cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	const double values[2] = { 1, 1 };
	struct lsp_profile_sample s;
	struct lsp_profile *back;
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct lsp_profile_label label = { .key = "comm", .str = rows[i][0] };

		f.p = lsp_profile_create(lsp_profile_contention_types, 2);
		assert_int_equal(lsp_profile_sample_add(f.p, NULL, 0, &label, 1, values), 0);
		assert_true(lsp_profile_sample(f.p, 0, &s));
		assert_string_equal(s.labels[0].str, rows[i][1]);
		back = read_back(f.p);
		assert_true(lsp_profile_sample(back, 0, &s));
		assert_string_equal(s.labels[0].str, rows[i][1]);
		lsp_profile_destroy(back);
		lsp_profile_destroy(f.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_locations),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_default_type),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
