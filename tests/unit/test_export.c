// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a stack in a format of another tool that is upside down, lacks an
 * inlined function or a sample, is there twice, or has a value that is not the
 * profile's; a name that breaks a line of folded stacks.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/pprof.c
 * sources: user/export/stacks.c user/export/folded.c user/export/speedscope.c tests/unit/fixture_profile.c
 * libs: -ljson-c -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <json-c/json.h>

#include "../../user/export/folded.h"
#include "../../user/export/speedscope.h"
#include "fixture_profile.h"

struct scene {
	struct fixture fixture;
	struct lsp_export_frames frames;
	struct lsp_export_stacks stacks;
	char *text;
	size_t bytes;
};

static void scene_create(struct scene *s)
{
	*s = (struct scene){ .text = NULL };
	fixture_create(&s->fixture, 0, "/src/prog.c");
}

static void scene_add(struct scene *s, enum lsp_export_detail detail)
{
	assert_int_equal(lsp_export_stacks_add(&s->stacks, &s->frames, s->fixture.p, 1, detail), 0);
}

static void scene_folded(struct scene *s)
{
	FILE *to = open_memstream(&s->text, &s->bytes);

	lsp_export_folded(to, &s->frames, &s->stacks);
	fclose(to);
}

static void scene_destroy(struct scene *s)
{
	lsp_export_stacks_uninit(&s->stacks);
	lsp_export_frames_uninit(&s->frames);
	lsp_profile_destroy(s->fixture.p);
	free(s->text);
}

/* Three locks share one stack: 1 s, 2 s, and 3.5 ns, which is rounded. */
static void test_folded(void **state)
{
	struct scene s;

	(void)state;
	scene_create(&s);
	scene_add(&s, LSP_EXPORT_FUNCTIONS);
	scene_folded(&s);
	assert_string_equal(s.text, "worker(int);crit;pthread_mutex_lock 3000000004\n"
				    "[handoff] 125000000\n"
				    "worker(int);crit 125000000\n");
	scene_destroy(&s);
}

static void test_odd(void **state)
{
	static const struct lsp_profile_line odd = { "<[u8; 4]\nas T>", "", "", 0, 0 };
	static const double values[2] = { 1, 7 }, none[2] = { 1, 0.4 };
	struct scene s;
	uint64_t ids[2];

	(void)state;
	scene_create(&s);
	lsp_profile_destroy(s.fixture.p);
	s.fixture.p = lsp_profile_create(lsp_profile_contention_types, 2);
	assert_int_equal(lsp_profile_mapping_add(s.fixture.p, &(struct lsp_profile_mapping){
		.start = 0x7000, .limit = 0x9000, .offset = 0x1000, .filename = "/lib/x.so", .build_id = "" }), 1);
	ids[0] = (uint64_t)lsp_profile_location_add(s.fixture.p, 1, 0x7234, NULL, 0);
	ids[1] = (uint64_t)lsp_profile_location_add(s.fixture.p, 0, 0, &odd, 1);
	assert_int_equal(lsp_profile_sample_add(s.fixture.p, ids, 2, NULL, 0, values), 0);
	assert_int_equal(lsp_profile_sample_add(s.fixture.p, ids, 1, NULL, 0, none), 0);
	assert_int_equal(lsp_profile_sample_add(s.fixture.p, NULL, 0, NULL, 0, values), 0);
	scene_add(&s, LSP_EXPORT_FUNCTIONS);
	scene_folded(&s);
	assert_string_equal(s.text, "<[u8: 4] as T>;x.so+0x1234 7\n[no stack] 7\n");
	scene_destroy(&s);
}

static int64_t number(struct json_object *o, const char *key)
{
	return json_object_get_int64(json_object_object_get(o, key));
}

static const char *name_at(struct json_object *all, struct json_object *samples, size_t sample, size_t depth)
{
	struct json_object *place = json_object_array_get_idx(json_object_array_get_idx(samples, sample), depth);
	struct json_object *frames = json_object_object_get(json_object_object_get(all, "shared"), "frames");

	return json_object_get_string(json_object_object_get(
		json_object_array_get_idx(frames, (size_t)json_object_get_int64(place)), "name"));
}

/* A second view has frames of its own, in the same table. */
static void test_speedscope(void **state)
{
	struct lsp_export_stacks other = { 0 };
	struct json_object *o, *view, *samples, *weights;
	int64_t sum = 0;
	struct scene s;

	(void)state;
	scene_create(&s);
	scene_add(&s, LSP_EXPORT_LINES);
	assert_int_equal(lsp_export_stacks_add(&other, &s.frames, s.fixture.p, 0, LSP_EXPORT_LINES), 0);
	o = lsp_export_speedscope(&s.frames, (struct lsp_export_view[]){ { "waits", &s.stacks }, { "count", &other } },
				  2, "r", "lockspan 0");
	assert_int_equal(json_object_array_length(json_object_object_get(o, "profiles")), 2);
	view = json_object_array_get_idx(json_object_object_get(o, "profiles"), 0);
	samples = json_object_object_get(view, "samples");
	weights = json_object_object_get(view, "weights");
	assert_string_equal(json_object_get_string(json_object_object_get(view, "unit")), "nanoseconds");
	assert_int_equal(json_object_array_length(samples), json_object_array_length(weights));
	for (size_t i = 0; i < json_object_array_length(weights); i++)
		sum += json_object_get_int64(json_object_array_get_idx(weights, i));
	assert_int_equal(number(view, "startValue"), 0);
	assert_int_equal(number(view, "endValue"), sum);
	assert_int_equal(sum, 3250000004LL);
	assert_string_equal(name_at(o, samples, 0, 0), "worker(int)");
	assert_string_equal(name_at(o, samples, 0, 2), "pthread_mutex_lock");
	view = json_object_array_get_idx(json_object_object_get(o, "profiles"), 1);
	assert_string_equal(name_at(o, json_object_object_get(view, "samples"), 0, 1), "crit");
	json_object_put(o);
	lsp_export_stacks_uninit(&other);
	scene_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded), cmocka_unit_test(test_odd), cmocka_unit_test(test_speedscope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
