// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which mappings name a lock. Would catch: a lock named by mappings of another
 * time than the event's, or of another process; one name for all libraries that
 * come to lie at one address; a release that is given one of several names; a
 * lock that is named by its releaser, because the wait is told later.
 * sources: user/collect/ user/collect/roles/ user/collect/roots/
 * sources: user/results/profiles.c user/results/unblamed.c user/results/why.c user/results/losses.c
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c user/capture/spanfile_read.c tests/unit/scratch.c
 * sources: user/profile/pprof.c user/profile/pprof_write.c user/profile/pprof_encode.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/gzip.c user/profile/utf8.c
 * sources: user/profile/profile.pb-c.c user/profile/estimate.c
 * sources: tests/unit/fixture_resolver.c user/resolve/trace.c tests/unit/fixture_collector.c
 * libs: -lprotobuf-c -lz -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/capture/spanfile.h"
#include "../../user/collect/collector.h"
#include "../../user/results/profiles.h"
#include "fixture_collector.h"
#include "fixture_resolver.h"
#include "scratch.h"

struct named {
	const char *name;
	double waits, releases;
};

static int named_add(void *arg, const struct lsp_row *row)
{
	struct named *n = arg;

	if (!strcmp(row->lock, n->name))
		*(row->kind == LSP_ROW_MUTEX ? &n->releases : &n->waits) += row->sums->estimate.count;
	return 0;
}

static void assert_named(const struct feeder *f, const char *name, int waits, int releases)
{
	struct named n = { .name = name };

	lsp_collector_rows(f->c, named_add, &n);
	assert_int_equal((int)n.waits, waits);
	assert_int_equal((int)n.releases, releases);
}

/* One address, two libraries in turn: each event belongs to the one that was there at its time. */
static void an_event_names_its_lock(void **state)
{
	const struct { uint64_t stack; int waits, releases; } of[] = { { 10, 3, 2 }, { 11, 5, 4 } };
	struct lsp_profiles_summary s;
	struct lockspan_release r;
	struct lockspan_span w;
	struct feeder f;

	(void)state;
	begin(&f);
	locks_in_variables = true;
	for (int late = 0; late < 2; late++) {
		for (uint32_t i = 0; i < 2; i++) {
			/* In the second round the stacks come behind what names them. */
			for (int n = 0; n < of[i].waits; n++) {
				w = span(of[i].stack, 5, 100);
				feed(&f, &w);
			}
			for (int n = 0; n < of[i].releases; n++) {
				r = release(of[i].stack + 10, 5, 60);
				feed(&f, &r);
			}
			if (!late) {
				feed_stack_of(&f, 1, 3 + i, of[i].stack, RIP(MUTEX, 0));
				feed_stack_of(&f, 1, 3 + i, of[i].stack + 10, RIP(MUTEX, 1));
			}
			assert_int_equal(lsp_collector_tick(f.c), 0);
		}
	}
	/* A release without a stack, and one by another process: either library may have been there. */
	r = release(0, 5, 60);
	feed(&f, &r);
	r = release(40, 5, 60);
	r.tgid = 2;
	feed_stack_of(&f, 2, 9, 40, RIP(MUTEX, 2));
	feed(&f, &r);
	finish(&f, &s);
	assert_named(&f, "variable of 3", 6, 4);
	assert_named(&f, "variable of 4", 10, 8);
	assert_named(&f, "variable of 9", 0, 0);
	assert_int_equal(s.mutex.estimate.kept, 14);
	lsp_collector_destroy(f.c);
}

/* Where there was only one, those that do not tell are named by it as well. */
static void a_lone_name_is_for_all(void **state)
{
	struct lockspan_release r = release(0, 5, 60);
	struct lockspan_span w = span(10, 5, 100);
	struct lsp_profiles_summary s;
	struct feeder f;

	(void)state;
	begin(&f);
	locks_in_variables = true;
	feed_stack_of(&f, 1, 3, 10, RIP(MUTEX, 0));
	feed_stack_of(&f, 1, 4, 11, RIP(MUTEX, 0));
	feed(&f, &w);
	feed(&f, &r);
	finish(&f, &s);
	assert_named(&f, "variable of 3", 1, 1);
	lsp_collector_destroy(f.c);
}

/* A lock that is no variable is named by who waits, also when a release of it is folded before the wait comes. */
static void a_waiter_names_a_lock(void **state)
{
	struct lockspan_release r = release(20, 5, 60);
	struct lockspan_span w = span(10, 5, 100);
	struct lsp_profiles_summary s;
	struct feeder f;

	(void)state;
	begin(&f);
	locks_in_variables = false;
	feed_stack_of(&f, 1, 3, 10, RIP(MUTEX, 0));
	feed_stack_of(&f, 1, 3, 20, RIP(MUTEX, 1));
	feed(&f, &r);
	/* The wait may be late by several folds. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_named(&f, "1:28@1011", 0, 0);
	feed(&f, &w);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_named(&f, "1:28@1010", 1, 1);
	/* Nobody is ever told to have waited for this one: it is not left waiting for ever. */
	r.key = 6;
	feed(&f, &r);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	r.time_ns += 2000000000;
	feed(&f, &r);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_named(&f, "1:28@1010", 1, 1);
	assert_named(&f, "1:28@1011", 0, 2);
	finish(&f, &s);
	assert_named(&f, "1:28@1010", 1, 1);
	assert_int_equal(s.mutex.estimate.kept, 3);
	lsp_collector_destroy(f.c);
}

/* The names of lock 5 in a span file, in its order. */
static void file_names(const char *path, char *ret, size_t bytes)
{
	struct lsp_spanfile_reader *reader;
	struct lsp_spanfile_entry e;

	*ret = '\0';
	assert_int_equal(lsp_spanfile_open(path, &reader), 0);
	while (lsp_spanfile_next(reader, &e) == 1) {
		size_t n = strlen(ret);

		if (e.kind == LSP_SPANFILE_LOCK && e.lock.key == 5)
			snprintf(ret + n, bytes - n, "%s in %u of %u;", e.lock.name, e.lock.generation, e.lock.tgid);
	}
	lsp_spanfile_reader_close(reader);
}

/* Single events have the names that their sums have. */
static void a_span_file_has_each_name(void **state)
{
	struct lsp_collector_options o = { .live = false };
	struct lsp_profiles_summary s;
	struct lockspan_span w;
	struct feeder f = { 0 };
	char names[256];

	(void)state;
	assert_int_equal(lsp_spanfile_create(scratch_path("spans"), &o.spans), 0);
	assert_int_equal(lsp_collector_create(&o, &f.c), 0);
	all_mapped = true;
	locks_in_variables = true;
	for (uint32_t i = 0; i < 2; i++) {
		feed_stack_of(&f, 1, 3 + i, 10 + i, RIP(MUTEX, 0));
		for (int n = 0; n < 2; n++) {
			w = span(10 + i, 5, 100);
			feed(&f, &w);
			assert_int_equal(lsp_collector_tick(f.c), 0);
		}
	}
	finish(&f, &s);
	lsp_collector_destroy(f.c);
	assert_int_equal(lsp_spanfile_close(o.spans), 0);
	file_names(scratch_path("spans"), names, sizeof(names));
	assert_string_equal(names, "variable of 3 in 3 of 1;variable of 4 in 4 of 1;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_names_its_lock),
		cmocka_unit_test(a_lone_name_is_for_all),
		cmocka_unit_test(a_waiter_names_a_lock),
		cmocka_unit_test(a_span_file_has_each_name),
	};

	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
