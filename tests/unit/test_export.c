// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a stack in a format of another tool that is upside down, lacks an
 * inlined function or a sample, is there twice, or has a value that is not the
 * profile's; a name that breaks a line of folded stacks; a table of OpenTelemetry's whose first
 * element is not the empty one, an index into nothing, a label or a comment that is not there.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/pprof.c
 * sources: user/export/stacks.c user/export/folded.c user/export/speedscope.c tests/unit/fixture_profile.c
 * sources: user/export/otlp.c user/export/otlp.pb-c.c
 * libs: -ljson-c -lprotobuf-c -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <json-c/json.h>

#include "../../user/export/folded.h"
#include "../../user/export/otlp.h"
#include "../../user/export/otlp.pb-c.h"
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

static Lsp__Otlp__Profiles *otlp_of(const struct lsp_export_otlp_view *views, size_t n)
{
	Lsp__Otlp__Profiles *all;
	char *data = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&data, &bytes);

	assert_int_equal(lsp_export_otlp(to, views, n, "0.1"), 0);
	fclose(to);
	all = lsp__otlp__profiles__unpack(NULL, bytes, (const uint8_t *)data);
	free(data);
	assert_non_null(all);
	return all;
}

/* Element 0 of every table means "none". */
static void tables_hold(const Lsp__Otlp__Dictionary *d)
{
	assert_string_equal(d->string_table[0], "");
	assert_int_equal(d->n_link_table, 1);
	assert_int_equal(lsp__otlp__mapping__get_packed_size(d->mapping_table[0]), 0);
	assert_int_equal(lsp__otlp__location__get_packed_size(d->location_table[0]), 0);
	assert_int_equal(lsp__otlp__function__get_packed_size(d->function_table[0]), 0);
	assert_int_equal(lsp__otlp__attribute__get_packed_size(d->attribute_table[0]), 0);
	assert_int_equal(lsp__otlp__stack__get_packed_size(d->stack_table[0]), 0);
	for (size_t i = 0; i < d->n_string_table; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(d->string_table[i], d->string_table[k]);
	for (size_t i = 0; i < d->n_stack_table; i++)
		for (size_t k = 0; k < d->stack_table[i]->n_location_indices; k++)
			assert_in_range(d->stack_table[i]->location_indices[k], 1, d->n_location_table - 1);
	for (size_t i = 1; i < d->n_location_table; i++) {
		assert_true((size_t)d->location_table[i]->mapping_index < d->n_mapping_table);
		for (size_t k = 0; k < d->location_table[i]->n_lines; k++)
			assert_in_range(d->location_table[i]->lines[k]->function_index, 1, d->n_function_table - 1);
	}
}

static const char *attribute(const Lsp__Otlp__Dictionary *d, const int32_t *places, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		const Lsp__Otlp__Attribute *a = d->attribute_table[places[i]];

		if (!strcmp(d->string_table[a->key_strindex], key))
			return a->value->string_value;
	}
	fail_msg("no attribute %s", key);
	return NULL;
}

static int64_t values_sum(const Lsp__Otlp__Profile *p)
{
	int64_t sum = 0;

	for (size_t i = 0; i < p->n_samples; i++) {
		assert_int_equal(p->samples[i]->n_values, 1);
		sum += p->samples[i]->values[0];
	}
	return sum;
}

static void test_otlp(void **state)
{
	const Lsp__Otlp__Dictionary *d;
	Lsp__Otlp__ScopeProfiles *scope;
	Lsp__Otlp__Profiles *all;
	const Lsp__Otlp__Sample *sample;
	const Lsp__Otlp__Location *leaf;
	struct scene s;

	(void)state;
	scene_create(&s);
	assert_int_equal(lsp_profile_comment_add(s.fixture.p, "nothing lost"), 0);
	all = otlp_of((struct lsp_export_otlp_view[]){ { "waits", s.fixture.p }, { "releases", s.fixture.p } }, 2);
	d = all->dictionary;
	tables_hold(d);
	scope = all->resource_profiles[0]->scope_profiles[0];
	assert_string_equal(scope->scope->version, "0.1");
	assert_int_equal(scope->n_profiles, 4);
	assert_string_equal(d->string_table[scope->profiles[0]->sample_type->type_strindex], "delay");
	assert_string_equal(d->string_table[scope->profiles[0]->sample_type->unit_strindex], "nanoseconds");
	assert_string_equal(d->string_table[scope->profiles[1]->sample_type->type_strindex], "contentions");
	assert_true(scope->profiles[0]->time_unix_nano == (uint64_t)lsp_profile_time_ns(s.fixture.p));
	assert_int_equal(values_sum(scope->profiles[0]), 3250000004LL);
	assert_int_equal(values_sum(scope->profiles[2]), 3250000004LL);
	assert_string_equal(attribute(d, scope->profiles[2]->attribute_indices, scope->profiles[2]->n_attribute_indices, "lockspan.profile"), "releases");
	assert_non_null(strstr(attribute(d, scope->profiles[0]->attribute_indices, scope->profiles[0]->n_attribute_indices, "lockspan.comments"), "\nnothing lost"));
	sample = scope->profiles[0]->samples[0];
	assert_true(*attribute(d, sample->attribute_indices, sample->n_attribute_indices, "lockspan.lock"));
	leaf = d->location_table[d->stack_table[sample->stack_index]->location_indices[0]];
	assert_string_equal(d->string_table[d->function_table[leaf->lines[0]->function_index]->name_strindex], "pthread_mutex_lock");
	lsp__otlp__profiles__free_unpacked(all, NULL);
	scene_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded), cmocka_unit_test(test_odd), cmocka_unit_test(test_speedscope),
		cmocka_unit_test(test_otlp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
