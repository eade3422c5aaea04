// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a difference between two runs that shows every frame twice
 * because the addresses moved, or none because two programs were taken for one;
 * samples of nothing left behind; a failed sum that leaves half of itself; an
 * error path that leaks or crashes when memory is short.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/gzip.c user/profile/wire.c
 * sources: user/profile/pprof.c user/profile/pprof_encode.c user/profile/pprof_write.c
 * sources: user/profile/pprof_decode.c user/profile/pprof_read.c user/profile/pprof_join.c
 * sources: user/profile/profile.pb-c.c tests/unit/fixture_profile.c
 * libs: -lprotobuf-c -lz -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
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

/* ---- memory that runs out at the nth request ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_reallocarray(void *old, size_t count, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_reallocarray(void *old, size_t count, size_t bytes);

static long requests_left = -1;		/* negative: no limit */

static bool refuse(void)
{
	return requests_left >= 0 && requests_left-- == 0;
}

void *__wrap_malloc(size_t bytes)
{
	return refuse() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return refuse() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return refuse() ? NULL : __real_realloc(old, bytes);
}

void *__wrap_reallocarray(void *old, size_t count, size_t bytes)
{
	return refuse() ? NULL : __real_reallocarray(old, count, bytes);
}

/* ---- sums ---- */

static struct lsp_profile *copy_of(const struct lsp_profile *p)
{
	struct lsp_profile *copy;
	size_t bytes;
	char why[256];
	void *data;

	assert_int_equal(lsp_profile_write_mem(p, &data, &bytes), 0);
	assert_int_equal(lsp_profile_read_mem(data, bytes, &copy, why, sizeof(why)), 0);
	free(data);
	return copy;
}

static void test_subtract_other_addresses(void **state)
{
	struct lsp_profile_location l;
	struct lsp_profile_sample s;
	struct fixture now, base;

	(void)state;
	fixture_create(&now, 0x7000000, SOURCE);
	fixture_create(&base, 0, SOURCE);
	fixture_sample(&now, "counter_mu", 5, 3e9);
	fixture_sample(&base, "gone_mu", 2, 7e6);
	assert_int_equal(lsp_profile_subtract(now.p, base.p), 0);
	assert_int_equal(lsp_profile_samples(now.p), 2);
	assert_true(fixture_sum(now.p, 0, "counter_mu") == 5);
	assert_true(fixture_sum(now.p, 1, "counter_mu") == 3e9);
	assert_true(fixture_sum(now.p, 0, "gone_mu") == -2);
	assert_true(fixture_sum(now.p, 1, "gone_mu") == -7e6);
	/* Two frames in all, at the addresses of the first. */
	assert_true(lsp_profile_sample(now.p, 0, &s));
	assert_true(lsp_profile_location(now.p, s.locations[1], &l));
	assert_int_equal(l.address, 0x7000000 + 0x555555554234);
	assert_string_equal(l.lines[1].function, "worker(int)");
	assert_false(lsp_profile_location(now.p, 3, &l));
	lsp_profile_destroy(now.p);
	lsp_profile_destroy(base.p);
}

static void test_nothing_left(void **state)
{
	struct fixture f;
	struct lsp_profile *copy;

	(void)state;
	fixture_create(&f, 0, SOURCE);
	copy = copy_of(f.p);
	fixture_sample(&f, "heap@worker+lock", -0.4, -0.5);	/* what writing has rounded off */
	fixture_sample(&f, "heap@worker+lock", 0, 1);
	assert_int_equal(lsp_profile_subtract(copy, f.p), 0);
	assert_int_equal(lsp_profile_samples(copy), 0);
	assert_int_equal(lsp_profile_subtract(f.p, f.p), 0);
	assert_int_equal(lsp_profile_samples(f.p), 0);
	assert_string_equal(lsp_profile_comment(f.p, 0), "lockspan: block profile");
	assert_null(lsp_profile_comment(f.p, 1));
	lsp_profile_destroy(copy);
	lsp_profile_destroy(f.p);
}

static void test_add_scaled(void **state)
{
	struct fixture a, b;

	(void)state;
	fixture_create(&a, 0, SOURCE);
	fixture_create(&b, 0, SOURCE);
	assert_int_equal(lsp_profile_comment_add(b.p, "another"), 0);
	lsp_profile_time_set(a.p, 500, 20);
	lsp_profile_time_set(b.p, 400, 30);
	assert_int_equal(lsp_profile_add(a.p, b.p, 0.5), 0);
	assert_int_equal(lsp_profile_samples(a.p), FIXTURE_SAMPLES);
	assert_true(fixture_sum(a.p, 0, "counter_mu") == 16.5);		/* with the handoff's 1 */
	assert_true(fixture_sum(a.p, 1, "stats_mu") == 3e9);
	assert_int_equal(lsp_profile_time_ns(a.p), 400);
	assert_int_equal(lsp_profile_duration_ns(a.p), 50);
	assert_string_equal(lsp_profile_comment(a.p, 1), "another");
	assert_null(lsp_profile_comment(a.p, 2));
	assert_int_equal(lsp_profile_add(a.p, a.p, 1), 0);
	assert_true(fixture_sum(a.p, 0, "counter_mu") == 33);
	assert_int_equal(lsp_profile_add(b.p, a.p, 0), 0);
	assert_true(fixture_sum(b.p, 0, "counter_mu") == 11);
	lsp_profile_destroy(a.p);
	lsp_profile_destroy(b.p);
}

static void sample_at(struct lsp_profile *p, const struct lsp_profile_mapping *m, uint64_t offset,
		      const char *function, double delay)
{
	const struct lsp_profile_line line = { function, function, "", 0, 0 };
	const double values[2] = { 1, delay };
	int64_t mapping = lsp_profile_mapping_add(p, m);
	uint64_t location;

	location = lsp_profile_location_add(p, mapping, m->start + offset, &line, 1);
	assert_int_equal(lsp_profile_sample_add(p, &location, 1, NULL, 0, values), 0);
}

/* Which of two mappings are one, by what differs between them. */
static void test_mapping_identity(void **state)
{
	static const struct lsp_profile_mapping one = { 0x10000, 0x13000, 0x1000, "/bin/a", "ab", true };
	static const struct {
		struct lsp_profile_mapping m;
		size_t samples;
	} rows[] = {
		{ { 0x50000, 0x53000, 0x1000, "/bin/a", "ab", true }, 1 },
		{ { 0x10000, 0x12001, 0x1000, "/bin/a", "ab", true }, 1 },	/* same whole pages */
		{ { 0x10000, 0x13000, 0x1000, "/bin/b", "ab", true }, 1 },	/* same build id */
		{ { 0x10000, 0x13000, 0x1000, "/bin/a", "ac", true }, 2 },
		{ { 0x10000, 0x13000, 0x2000, "/bin/a", "ab", true }, 2 },
		{ { 0x10000, 0x14000, 0x1000, "/bin/a", "ab", true }, 2 },
		{ { 0x10000, 0x13000, 0x1000, "ab", "", true }, 1 },		/* as pprof has it */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lsp_profile *a = lsp_profile_create(lsp_profile_contention_types, 2);
		struct lsp_profile *b = lsp_profile_create(lsp_profile_contention_types, 2);

		sample_at(a, &one, 0x10, "f", 5);
		sample_at(b, &rows[i].m, 0x10, "f", 7);
		sample_at(b, &rows[i].m, 0x10, "g", 7);		/* other lines: another frame */
		sample_at(b, &rows[i].m, 0x20, "f", 7);		/* another address: likewise */
		assert_int_equal(lsp_profile_add(a, b, 1), 0);
		assert_int_equal(lsp_profile_samples(a), rows[i].samples + 2);
		lsp_profile_destroy(a);
		lsp_profile_destroy(b);
	}
}

/* Two processes of one program in one profile come together, as pprof does it. */
static void test_processes(void **state)
{
	static const struct lsp_profile_mapping first = { 0x10000, 0x13000, 0, "/bin/a", "ab", true };
	static const struct lsp_profile_mapping second = { 0x70000, 0x73000, 0, "/bin/a", "ab", true };
	struct lsp_profile *a = lsp_profile_create(lsp_profile_contention_types, 2);
	struct lsp_profile *b = lsp_profile_create(lsp_profile_contention_types, 2);

	(void)state;
	sample_at(a, &first, 0x10, "f", 5);
	sample_at(a, &second, 0x10, "f", 6);
	sample_at(b, &second, 0x10, "f", 4);
	assert_int_equal(lsp_profile_samples(a), 2);
	assert_int_equal(lsp_profile_subtract(a, b), 0);
	assert_int_equal(lsp_profile_samples(a), 1);
	assert_true(fixture_sum(a, 0, NULL) == 1 && fixture_sum(a, 1, NULL) == 7);
	lsp_profile_destroy(a);
	lsp_profile_destroy(b);
}

static void test_incompatible(void **state)
{
	static const struct lsp_profile_type types[][3] = {
		{ { "contentions", "count" }, { "delay", "nanoseconds" }, { "x", "y" } },
		{ { "contentions", "count" }, { "delay", "microseconds" }, { "x", "y" } },
		{ { "contention", "count" }, { "delay", "nanoseconds" }, { "x", "y" } },
	};
	static const size_t ntypes[] = { 3, 2, 2 };
	struct lsp_profile *other;
	struct fixture f;
	size_t i;

	(void)state;
	fixture_create(&f, 0, SOURCE);
	for (i = 0; i < 3; i++) {
		other = lsp_profile_create(types[i], ntypes[i]);
		assert_int_equal(lsp_profile_add(f.p, other, 1), -EINVAL);
		assert_int_equal(lsp_profile_subtract(other, f.p), -EINVAL);
		lsp_profile_destroy(other);
	}
	assert_int_equal(lsp_profile_add(f.p, f.p, NAN), -EINVAL);
	assert_int_equal(lsp_profile_add(f.p, f.p, INFINITY), -EINVAL);
	assert_true(fixture_sum(f.p, 0, "stats_mu") == 4);
	lsp_profile_destroy(f.p);
}

/* ---- memory ---- */

/* Everything that takes memory, once. The first error, or 0. */
static int everything(const struct fixture *f)
{
	static const struct lsp_profile_mapping m = { 0x10000, 0x13000, 0, "/bin/a", "ab", true };
	static const struct lsp_profile_line line = { "f", "g", "/h.c", 1, 1 };
	static const struct lsp_profile_label label = { "lock", "a\xff", 0, NULL };
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2), *back = NULL;
	const double values[2] = { 1, 2 };
	size_t bytes = 0;
	void *data = NULL;
	char why[64];
	int64_t id = -ENOMEM;
	int ret = -ENOMEM;

	if (!p)
		return -ENOMEM;
	if ((id = lsp_profile_mapping_add(p, &m)) < 0 ||
	    (id = lsp_profile_location_add(p, (uint64_t)id, 0x10001, &line, 1)) < 0) {
		ret = (int)id;
		goto out;
	}
	ret = lsp_profile_sample_add(p, (uint64_t *)&id, 1, &label, 1, values);
	if (!ret)
		ret = lsp_profile_comment_add(p, "comment");
	if (!ret)
		ret = lsp_profile_add(p, f->p, -1);
	if (!ret)
		ret = lsp_profile_write_mem(p, &data, &bytes);
	if (!ret)
		ret = lsp_profile_read_mem(data, bytes, &back, why, sizeof(why));
	if (!ret && (lsp_profile_samples(back) != FIXTURE_SAMPLES + 1))
		ret = -EIO;
out:
	free(data);
	lsp_profile_destroy(back);
	lsp_profile_destroy(p);
	return ret;
}

static void test_no_memory(void **state)
{
	struct fixture f;
	long n;
	int ret;

	(void)state;
	fixture_create(&f, 0, SOURCE);
	for (n = 0; n < 100000; n++) {
		requests_left = n;
		ret = everything(&f);
		if (requests_left >= 0)
			break;
		requests_left = -1;
		assert_int_equal(ret, -ENOMEM);
	}
	requests_left = -1;
	assert_int_equal(ret, 0);
	assert_in_range(n, 50, 10000);		/* the wrapping works */
	assert_true(fixture_sum(f.p, 1, "stats_mu") == 2e9);
	lsp_profile_destroy(f.p);
}

/* A sum that fails leaves its first operand as it was. */
static void test_add_is_atomic(void **state)
{
	struct fixture a, b;
	long n;
	int ret;

	(void)state;
	fixture_create(&a, 0, SOURCE);
	fixture_create(&b, 0x1000000, SOURCE);
	fixture_sample(&b, "new_mu", 1, 1);
	for (n = 0;; n++) {
		requests_left = n;
		ret = lsp_profile_add(a.p, b.p, 1);
		if (requests_left >= 0)
			break;
		requests_left = -1;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(lsp_profile_samples(a.p), FIXTURE_SAMPLES);
		assert_true(fixture_sum(a.p, 1, "stats_mu") == 2e9);
		assert_true(lsp_profile_time_ns(a.p) == FIXTURE_TIME_NS);
	}
	requests_left = -1;
	assert_int_equal(ret, 0);
	assert_int_equal(lsp_profile_samples(a.p), FIXTURE_SAMPLES + 1);
	assert_true(fixture_sum(a.p, 1, "stats_mu") == 4e9);
	lsp_profile_destroy(a.p);
	lsp_profile_destroy(b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subtract_other_addresses),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_add_scaled),
		cmocka_unit_test(test_mapping_identity),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_incompatible),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_add_is_atomic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
