// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/report/ user/report/why/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * What a report is asked to show of a recording, and how wide it is. Would catch: a row in another place than
 * --sort says, a queue above a lock, another lock's time under --lock, a line that is longer than the terminal,
 * two functions that cannot be told apart, and an estimate whose interval had to make room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/report/text.h"
#include "fixture_report.h"

static char *text_of(const struct lsp_recording *r, enum lsp_by by, size_t top)
{
	struct lsp_table t;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	assert_int_equal(lsp_table_create(r, by, false, &t), 0);
	lsp_report_text_rows(f, r, &t, &(struct lsp_report_look){ .top = top });
	fclose(f);
	lsp_table_destroy(&t);
	return text;
}

/* Rows of one key stand in its order, but what is no lock stays below. */
static void test_sort(void **state)
{
	static const struct {
		enum lsp_sort key;
		const char *first, *second, *last;
	} rows[] = {
		{ LSP_SORT_BOTH, "fast_update", "slow_update", "wait_all" },
		{ LSP_SORT_BLAMED, "slow_update", "fast_update", "wait_all" },
		{ LSP_SORT_RELEASES, "fast_update", "slow_update", "wait_all" },
		{ LSP_SORT_WAITED, "fast_update", "slow_update", "wait_all" },
		{ LSP_SORT_NAME, "fast_update", "slow_update", "wait_all" },
	};
	struct lsp_recording r = { 0 };
	struct lsp_table t;

	(void)state;
	fixture_recording(&r);
	assert_int_equal(lsp_table_create(&r, LSP_BY_SITE, false, &t), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lsp_table_sort(&t, rows[i].key);
		assert_int_equal(t.shown, 3);
		assert_string_equal(t.rows[0].name, rows[i].first);
		assert_string_equal(t.rows[1].name, rows[i].second);
		assert_string_equal(t.rows[2].name, rows[i].last);
		assert_ptr_equal(fixture_row(&t, rows[i].second), &t.rows[1]);
	}
	lsp_table_destroy(&t);
	lsp_recording_uninit(&r);
}

/* Of one lock: nothing of another lock is in any row, and no interval that is of several. */
static void test_only(void **state)
{
	struct lsp_recording r = { 0 };
	struct lsp_table t;

	(void)state;
	fixture_recording(&r);
	fixture_record_add(&r, fixture_record_sampled);
	r.only = "g_mu";
	assert_true(lsp_recording_has_any(&r));
	for (int by = 0; by < LSP_BY_COUNT; by++) {
		assert_int_equal(lsp_table_create(&r, (enum lsp_by)by, false, &t), 0);
		assert_true(t.total[LSP_V_WAITED] == 7000e6 && t.total[LSP_V_BLAMED] == 6800e6);
		assert_true(t.total[LSP_V_HANDOFF] == 200e6 && t.total[LSP_V_OPEN] == 0);
		assert_null(lsp_table_find(&t, "wait_all"));
		assert_null(lsp_table_find(&t, "other_mu"));
		if (by == LSP_BY_SITE)
			assert_int_equal(fixture_row(&t, "fast_update")->waited.trust, LSP_TRUST_TOO_FEW);
		if (by == LSP_BY_LOCK)
			assert_int_equal(fixture_row(&t, "g_mu")->waited.trust, LSP_TRUST_SHOWN);
		lsp_table_destroy(&t);
	}
	r.only = "stuck_mu";
	assert_true(lsp_recording_has_any(&r));
	r.only = "g_m";
	assert_false(lsp_recording_has_any(&r));
	/* A name can be given as the table shows it. */
	assert_true(lsp_words_asked("parked@Pool<int, std::allocator<int> >::take(long)#1", "parked@Pool::take#1"));
	assert_true(lsp_words_asked("parked@Pool<int, std::allocator<int> >::take(long)#1",
				    "parked@Pool<int, std::allocator<int> >::take(long)#1"));
	assert_false(lsp_words_asked("parked@Pool<int, std::allocator<int> >::take(long)#1", "parked@Pool::take#2"));
	lsp_recording_uninit(&r);
}

/* No line of the table is longer than the terminal, and intervals stay whatever else goes. */
static void test_widths(void **state)
{
	static const char name[] = "storage::engine::Table<std::allocator<int> >::update_in_place_with_everything(int)";
	static const char other[] = "storage::engine::Table<char>::update_in_place_with_everything(int)";
	const struct fixture_events more = { .function = name, .lock = "g_mu", .count = 1, .ns = 1e6, .sched_ns = 2e6 };
	struct fixture_events again = more;

	(void)state;
	for (int sampled = 0; sampled < 2; sampled++) {
		struct lsp_recording r = { 0 };
		struct lsp_table t;

		fixture_recording(&r);
		fixture_events_add(&r, &more);
		fixture_record_add(&r, sampled ? fixture_record_sampled : fixture_record_exact);
		for (int by = 0; by < LSP_BY_COUNT; by++) {
			assert_int_equal(lsp_table_create(&r, (enum lsp_by)by, false, &t), 0);
			for (size_t columns = 80; columns <= 200; columns += 20) {
				const struct lsp_report_look look = { .top = 20, .layout.columns = columns };
				char *text = NULL, *line, *rest;
				size_t bytes;
				FILE *f = open_memstream(&text, &bytes);

				lsp_report_text_rows(f, &r, &t, &look);
				fclose(f);
				if (sampled && by == LSP_BY_LOCK)
					fixture_has(text, "6.60s..7.30s");
				if (columns == 200 && by == LSP_BY_SITE)
					fixture_has(text, " | storage::engine::Table::update_in_place_with_everything  prog.c");
				*strstr(text, "\nwaiting still") = '\0';
				for (rest = text; (line = strsep(&rest, "\n")); )
					if (strlen(line) > columns)
						fail_msg("%zu characters of %zu: %s", strlen(line), columns, line);
				free(text);
			}
			lsp_table_destroy(&t);
		}
		lsp_recording_uninit(&r);
	}
	/* Two that would look alike have their whole names. */
	for (int i = 0; i < 2; i++) {
		struct lsp_recording r = { 0 };
		char *text;

		again.function = other;
		fixture_events_add(&r, &more);
		if (i)
			fixture_events_add(&r, &again);
		text = text_of(&r, LSP_BY_SITE, 20);
		fixture_has(text, i ? " | storage::engine::Table<char>::update" : " | storage::engine::Table::update");
		free(text);
		lsp_recording_uninit(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort), cmocka_unit_test(test_only), cmocka_unit_test(test_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
