// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: user/compare/ user/capture/ user/report/ user/report/why/ user/profile/ user/base/
 * sources: tests/unit/scratch.c user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * libs: -lz -lprotobuf-c -ljson-c -lm -lnl-genl-3 -lnl-3
 *
 * Whose releases end whose waits. Would catch: a wait given to another wait's release or to the first of two, a
 * timeout that somebody is said to have ended, pairs of a sample or of a side that does not know them, a lock that
 * is not that of most of a pair's time, and a queue above a lock.
 *
 * With --files DIR it leaves span files there for tests/e2e/report.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/capture/spanfile.h"
#include "../../user/compare/endings.h"
#include "scratch.h"

#define FILE_PATH scratch_path("spans.lspan")

/* Waits and releases; stacks: 1 get, 2 put, 3 idle, 4 give. Locks: 5 mu, 6 other_mu, 7 work (cond). */
static const struct {
	uint64_t id, wait_ns;
	uint64_t stack, key;
	uint64_t by[2];			/* stacks of releases, in order of time; 0: none */
	enum lockspan_outcome outcome;
} waits[] = {
	{ 11, 900, 1, 6, { 2, 0 }, LOCKSPAN_WOKEN },
	{ 12, 200, 1, 5, { 2, 0 }, LOCKSPAN_WOKEN },
	{ 13, 100, 1, 5, { 2, 0 }, LOCKSPAN_WOKEN },
	{ 14, 50, 1, 5, { 2, 1 }, LOCKSPAN_WOKEN },	/* a PI waiter that was woken twice */
	{ 15, 70, 1, 5, { 2, 0 }, LOCKSPAN_TIMEOUT },	/* the release came too late */
	{ 16, 20, 2, 5, { 0, 0 }, LOCKSPAN_WOKEN },	/* its release was lost */
	{ 17, 5000, 3, 7, { 4, 0 }, LOCKSPAN_WOKEN },
	{ 18, 1000000, 1, 5, { 2, 0 }, LOCKSPAN_NOSLEEP },
	{ 19, 800, 1, 5, { 9, 0 }, LOCKSPAN_WOKEN },	/* by a stack that nobody knows */
};

static void trace_add(struct lsp_spanfile_writer *w, uint32_t number, const char *site)
{
	const struct lsp_spanfile_line lines[2] = { { "pthread_mutex_lock", "", 0 }, { site, "prog.c", 1 } };
	const struct lsp_spanfile_frame frames[2] = {
		{ .object = "libc", .build_id = "", .lines = &lines[0], .nlines = 1 },
		{ .object = "prog", .build_id = "", .lines = &lines[1], .nlines = 1 },
	};

	lsp_spanfile_add_trace(w, &(struct lsp_spanfile_trace){
		.number = number, .end = "complete", .sync = "mutex", .frames = frames, .nframes = 2 });
	lsp_spanfile_add_stack(w, &(struct lsp_spanfile_stack){ .id = number, .tgid = 1, .trace = number, .generation = 1 });
}

/* @linked: releases say which wait they end. */
static void file_make(const char *path, uint64_t rate_ns, uint32_t fraction, bool linked, bool ended)
{
	static const char *const sites[] = { "get", "put", "idle", "give" };
	static const struct lsp_spanfile_lock locks[] = {
		{ 5, "mu", "mutex", 1, 1 }, { 6, "other_mu", "mutex", 1, 1 }, { 7, "work", "cond", 1, 1 },
	};
	struct lsp_spanfile_writer *w;

	if (lsp_spanfile_create(path, &w))
		exit(1);
	for (size_t i = sizeof(waits) / sizeof(waits[0]); i-- > 0; ) {
		struct lockspan_span s = {
			.rec = { sizeof(s), LOCKSPAN_REC_SPAN, 0 }, .id = linked ? waits[i].id : 0, .enq_ns = 1000,
			.wake_ns = waits[i].outcome == LOCKSPAN_TIMEOUT ? 0 : 1000 + waits[i].wait_ns,
			.run_ns = 1000 + waits[i].wait_ns, .key = waits[i].key, .uaddr = waits[i].key, .tid = 7, .tgid = 1,
			.stack = waits[i].stack, .rate_ns = rate_ns, .outcome = (uint8_t)waits[i].outcome,
		};

		lsp_spanfile_add_span(w, &s);
		for (int k = 1; k >= 0; k--) {
			struct lockspan_release r = {
				.rec = { sizeof(r), LOCKSPAN_REC_RELEASE, 0 }, .span = linked ? waits[i].id : 0,
				.time_ns = 1000 + (uint64_t)k, .key = waits[i].key, .uaddr = waits[i].key,
				.stack = waits[i].by[k], .fraction = fraction, .tid = 8, .tgid = 1,
			};

			if (waits[i].by[k])
				lsp_spanfile_add_release(w, &r);
		}
	}
	for (uint32_t i = 0; i < 4; i++)
		trace_add(w, i + 1, sites[i]);
	for (size_t i = 0; i < 3; i++)
		lsp_spanfile_add_lock(w, &locks[i]);
	if (ended)
		lsp_spanfile_add_end(w, &(struct lsp_spanfile_end){ .stop_ns = 1 });
	if (lsp_spanfile_close(w))
		exit(1);
}

static void row_is(const struct lsp_ending *row, const char *waiter, const char *releaser, const char *lock,
		   double n, double ns, double longest_ns)
{
	assert_string_equal(row->waiter, waiter);
	assert_string_equal(row->releaser, releaser);
	assert_string_equal(row->lock, lock);
	assert_true(row->waits == n && row->waited_ns == ns && row->longest_ns == longest_ns);
}

static void finish(struct lsp_endings *e, enum lsp_sort key)
{
	const struct lsp_recording nothing = { 0 };
	struct lsp_uses uses;

	assert_int_equal(lsp_uses_create(&nothing, &uses), 0);
	assert_int_equal(lsp_endings_finish(e, &uses, key), 0);
	lsp_uses_destroy(&uses);
}

static void test_pairs(void **state)
{
	struct lsp_endings e;

	(void)state;
	file_make(FILE_PATH, 1, 1, true, true);
	for (int twice = 0; twice < 2; twice++) {
		double k = twice + 1;

		lsp_endings_init(&e);
		for (int i = 0; i <= twice; i++)
			assert_int_equal(lsp_endings_add(&e, FILE_PATH, NULL), 0);
		finish(&e, LSP_SORT_BOTH);
		assert_false(e.partial);
		assert_true(e.waits == 8 * k && e.waited_ns == 7140 * k);
		assert_int_equal(e.n, 6);
		row_is(&e.rows[0], "get", "put", "other_mu", 3 * k, 1200 * k, 900);
		row_is(&e.rows[1], "get", "[no stack]", "mu", k, 800 * k, 800);
		row_is(&e.rows[2], "get", "(nobody)", "mu", k, 70 * k, 70);
		row_is(&e.rows[3], "get", "get", "mu", k, 50 * k, 50);
		row_is(&e.rows[4], "put", "(not recorded)", "mu", k, 20 * k, 20);
		row_is(&e.rows[5], "idle", "give", "work", k, 5000 * k, 5000);
		lsp_endings_uninit(&e);
	}
}

static void test_one_lock(void **state)
{
	struct lsp_endings e;

	(void)state;
	file_make(FILE_PATH, 1, 1, true, false);
	lsp_endings_init(&e);
	assert_int_equal(lsp_endings_add(&e, FILE_PATH, "mu"), 0);
	finish(&e, LSP_SORT_NAME);
	assert_true(e.partial && e.waits == 6 && e.n == 5);
	row_is(&e.rows[0], "get", "(nobody)", "mu", 1, 70, 70);
	row_is(&e.rows[3], "get", "put", "mu", 2, 300, 200);
	lsp_endings_uninit(&e);
}

/* Where releases may be missing, or do not say what they ended, there are no pairs. */
static void test_refused(void **state)
{
	struct lsp_endings e;

	(void)state;
	lsp_endings_init(&e);
	file_make(FILE_PATH, 1000, 1, true, true);
	assert_int_equal(lsp_endings_add(&e, FILE_PATH, NULL), -ENODATA);
	file_make(FILE_PATH, 1, 10, true, true);
	assert_int_equal(lsp_endings_add(&e, FILE_PATH, NULL), -ENODATA);
	file_make(FILE_PATH, 1, 1, false, true);
	assert_int_equal(lsp_endings_add(&e, FILE_PATH, NULL), -EOPNOTSUPP);
	assert_int_equal(lsp_endings_add(&e, scratch_path("none"), NULL), -ENOENT);
	assert_true(e.waits == 0);
	lsp_endings_uninit(&e);
}

static void test_words(void **state)
{
	const struct lsp_report_look look = { .top = 1, .layout.columns = 60 };
	struct lsp_endings e;
	struct json_object *o;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	(void)state;
	file_make(FILE_PATH, 1, 1, true, true);
	lsp_endings_init(&e);
	assert_int_equal(lsp_endings_add(&e, FILE_PATH, NULL), 0);
	finish(&e, LSP_SORT_WAITED);
	lsp_endings_text(f, &e, &look);
	fclose(f);
	assert_string_equal(text, "   waited            waits   longest | who waits <- whose...\n"
			    "   1.20us  16.8%         3     900ns | get <- put  other_...\n5 more rows (--top)\n");
	free(text);
	o = lsp_endings_json(&e, 1);
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	assert_string_equal(text, "{\"format\":1,\"by\":\"pair\",\"partial\":false,\"total\":{\"block\":{\"contentions\":8,\"delay_ns\":7140}},"
			    "\"rows\":[{\"waiter\":\"get\",\"releaser\":\"put\",\"lock\":\"other_mu\",\"sync\":\"mutex\",\"block\":{\"contentions\":3,"
			    "\"delay_ns\":1200,\"longest_ns\":900}}],\"rows_left_out\":5}");
	free(text);
	json_object_put(o);
	lsp_endings_uninit(&e);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs), cmocka_unit_test(test_one_lock), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_words),
	};
	char path[4096];

	if (argc == 3 && !strcmp(argv[1], "--files")) {
		for (int sampled = 0; sampled < 2; sampled++) {
			snprintf(path, sizeof(path), "%s/%s.lspan", argv[2], sampled ? "sampled" : "pairs");
			file_make(path, sampled ? 1000 : 1, 1, true, true);
		}
		return 0;
	}
	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
