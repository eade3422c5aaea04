// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: user/report/ user/report/why/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * A page of a recording that is too large for one. Would catch: a page that grows
 * without end, one that leaves out the long waits in place of the short ones, and
 * one that does not say what it leaves out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/report/page.h"

#define STACKS 25000
#define KEPT 20000
#define ROWS 2000

/* A stack for each function, which waits as many ns as its number says; the long ones come last. */
static struct lsp_profile *profile_make(void)
{
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
	char name[32];

	for (int i = 1; i <= STACKS; i++) {
		const struct lsp_profile_line line = { .function = name, .system_name = name, .file = "" };
		const struct lsp_profile_label labels[2] = {
			{ .key = "lock", .str = name }, { .key = "sync", .str = "mutex" },
		};
		uint64_t stack;

		snprintf(name, sizeof(name), "site_%d", i);
		stack = (uint64_t)lsp_profile_location_add(p, 0, 0, &line, 1);
		assert_int_equal(lsp_profile_sample_add(p, &stack, 1, labels, 2, (const double[2]){ 2, i }), 0);
	}
	return p;
}

/* The data of the page, by the element that it stands in. */
static struct json_object *page_data(const struct lsp_recording *r)
{
	static const char begin[] = "<script type=\"application/json\" id=\"data\">";
	struct json_object *o;
	char *page = NULL, *at;
	size_t bytes;
	FILE *f = open_memstream(&page, &bytes);

	assert_int_equal(lsp_report_page(f, r), 0);
	fclose(f);
	at = strstr(page, begin);
	assert_non_null(at);
	at += strlen(begin);
	*strstr(at, "</script>") = '\0';
	o = json_tokener_parse(at);
	assert_non_null(o);
	free(page);
	return o;
}

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no %s", key);
	return value;
}

static void test_bounded(void **state)
{
	struct lsp_recording r = { .parts = { [LSP_PART_BLOCK] = profile_make() } };
	struct json_object *o = page_data(&r), *list = get(o, "waiters"), *left = get(get(o, "leftOut"), "waiters");
	double shortest = 1e18, out = STACKS - KEPT;

	(void)state;
	assert_int_equal(json_object_array_length(list), KEPT);
	for (size_t i = 0; i < KEPT; i++) {
		double ns = json_object_get_double(json_object_array_get_idx(json_object_array_get_idx(list, i), 4));

		shortest = ns < shortest ? ns : shortest;
	}
	assert_float_equal(shortest, STACKS - KEPT + 1, 0);
	assert_float_equal(json_object_get_double(get(left, "samples")), out, 0);
	assert_float_equal(json_object_get_double(get(left, "ns")), out * (out + 1) / 2, 0.5);
	assert_float_equal(json_object_get_double(get(left, "count")), 2 * out, 0);
	assert_int_equal(json_object_array_length(get(get(o, "report"), "rows")), ROWS);
	assert_int_equal(json_object_array_length(get(o, "locks")), ROWS);
	assert_int_equal(json_object_get_int(get(o, "sitesLeftOut")), STACKS - ROWS);
	assert_int_equal(json_object_get_int(get(o, "locksLeftOut")), STACKS - ROWS);
	/* There are no releases: nothing of them is left out. */
	assert_int_equal(json_object_get_int(get(get(get(o, "leftOut"), "releasers"), "samples")), 0);
	json_object_put(o);
	lsp_recording_uninit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
