// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/report/ user/report/why/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * What `lockspan report` makes of profiles. Would catch: a wait or release
 * booked on another site, lock, class or thread than its own, sums that are not
 * those of the profiles, an interval that is not there or was made up, a name
 * that steers the terminal, a profile taken for one of another kind.
 *
 * With --files DIR it leaves recordings there for tests/e2e/report.sh and html.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../user/report/json.h"
#include "../../user/report/page.h"
#include "../../user/report/text.h"
#include "fixture_report.h"

/* Sums of any table are those of the profiles; each row's own are given by hand. */
static void test_tables(void **state)
{
	static const struct {
		enum lsp_by by;
		const char *name;
		double waits, waited, late, releases, blamed, open;
	} rows[] = {
		{ LSP_BY_SITE, "fast_update", 101, 7001e6, 51e6, 90, 100e6, 0 },
		{ LSP_BY_SITE, "slow_update", 0, 0, 0, 10, 6700e6, 0 },
		{ LSP_BY_SITE, "wait_all", 2, 1200e6, 0, 0, 0, 0 },
		{ LSP_BY_SITE, "stuck", 0, 0, 0, 0, 0, 1 },
		{ LSP_BY_LOCK, "g_mu", 100, 7000e6, 50e6, 100, 6800e6, 0 },
		{ LSP_BY_LOCK, "other_mu", 1, 1e6, 1e6, 0, 0, 0 },
		{ LSP_BY_LOCK, "stuck_mu", 0, 0, 0, 0, 0, 1 },
		{ LSP_BY_SYNC, "mutex", 101, 7001e6, 51e6, 100, 6800e6, 1 },
		{ LSP_BY_SYNC, "join", 2, 1200e6, 0, 0, 0, 0 },
		{ LSP_BY_THREAD, "prog", 101, 7001e6, 51e6, 90, 100e6, 1 },
		{ LSP_BY_THREAD, "slow", 0, 0, 0, 10, 6700e6, 0 },
	};
	struct lsp_recording r = { 0 };
	struct lsp_table t;

	(void)state;
	fixture_recording(&r);
	fixture_record_add(&r, fixture_record_exact);
	for (int by = 0; by < LSP_BY_COUNT; by++) {
		assert_int_equal(lsp_table_create(&r, (enum lsp_by)by, false, &t), 0);
		assert_true(t.total[LSP_V_WAITED] == 8201e6);
		assert_true(t.total[LSP_V_BLAMED] == 6800e6);
		assert_true(t.total[LSP_V_HANDOFF] == 200e6);
		assert_true(t.total[LSP_V_OTHER_HOLD] == 1200e6);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const struct lsp_table_row *row;

			if ((int)rows[i].by != by)
				continue;
			row = fixture_row(&t, rows[i].name);
			assert_true(row->v[LSP_V_WAITS] == rows[i].waits);
			assert_true(row->v[LSP_V_WAITED] == rows[i].waited);
			assert_true(row->v[LSP_V_LATE] == rows[i].late);
			assert_true(row->v[LSP_V_RELEASES] == rows[i].releases);
			assert_true(row->v[LSP_V_BLAMED] == rows[i].blamed);
			assert_true(row->v[LSP_V_OPEN] == rows[i].open);
			assert_int_equal(row->waited.trust, LSP_TRUST_EXACT);
			assert_int_equal(row->blamed.trust, LSP_TRUST_EXACT);
		}
		lsp_table_destroy(&t);
	}
	lsp_recording_uninit(&r);
}

static void test_row_order_and_places(void **state)
{
	struct lsp_recording r = { 0 };
	struct lsp_table t;

	(void)state;
	fixture_recording(&r);
	assert_int_equal(lsp_table_create(&r, LSP_BY_SITE, false, &t), 0);
	assert_string_equal(t.rows[0].name, "fast_update");
	assert_string_equal(t.rows[1].name, "slow_update");
	assert_string_equal(t.rows[2].name, "wait_all");
	assert_int_equal(t.rows[0].wait_line, 61);
	assert_int_equal(t.rows[0].release_line, 66);
	assert_string_equal(t.rows[0].lock, "g_mu");
	/* Who only ended joins has no blame to be shown. */
	assert_int_equal(t.shown, 3);
	assert_string_equal(t.rows[3].name, "start_thread");
	lsp_table_destroy(&t);
	lsp_recording_uninit(&r);
}

static void test_threads_of_processes(void **state)
{
	struct fixture_events e = { .function = "f", .lock = "m", .comm = "worker", .count = 1, .ns = 5, .pid = 10 };
	struct lsp_recording r = { 0 };
	struct lsp_table t;

	(void)state;
	fixture_events_add(&r, &e);
	e.pid = 11;
	fixture_events_add(&r, &e);
	assert_int_equal(lsp_table_create(&r, LSP_BY_THREAD, false, &t), 0);
	assert_true(fixture_row(&t, "worker (pid 11)")->v[LSP_V_WAITED] == 5);
	lsp_table_destroy(&t);
	assert_int_equal(lsp_table_create(&r, LSP_BY_THREAD, true, &t), 0);
	assert_true(fixture_row(&t, "worker")->v[LSP_V_WAITED] == 10);
	lsp_table_destroy(&t);
	lsp_recording_uninit(&r);
}

/* record.json has the threads one by one: each is a row, and the totals stay the profiles'. */
static void test_threads_by_id(void **state)
{
	static const char record[] =
		"{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1,\"threads\":["
		"{\"tid\":71,\"pid\":70,\"comm\":\"w\",\"waits\":2,\"waited_ns\":5,\"late_ns\":1,"
		"\"releases\":0,\"blamed_ns\":0,\"open\":0,\"open_longest_ns\":0},"
		"{\"tid\":72,\"pid\":%d,\"comm\":\"w\",\"waits\":1,\"waited_ns\":3,\"late_ns\":2,"
		"\"releases\":4,\"blamed_ns\":9,\"open\":1,\"open_longest_ns\":8},"
		"{\"tid\":0,\"pid\":0,\"comm\":\"others\",\"waits\":1,\"waited_ns\":2}]}";
	const struct lsp_table_row *row;
	char text[1024];

	(void)state;
	for (int processes = 1; processes <= 2; processes++) {
		struct fixture_events e = { .function = "f", .lock = "m", .comm = "w", .count = 4, .ns = 10 };
		struct lsp_recording r = { 0 };
		struct lsp_table t;

		fixture_events_add(&r, &e);
		snprintf(text, sizeof(text), record, processes == 1 ? 70 : 90);
		fixture_record_add(&r, text);
		assert_int_equal(lsp_table_create(&r, LSP_BY_THREAD, false, &t), 0);
		assert_int_equal(t.n, 3);
		assert_true(t.total[LSP_V_WAITED] == 10);
		row = fixture_row(&t, processes == 1 ? "w (tid 72)" : "w (tid 72, pid 90)");
		assert_true(row->tid == 72 && row->v[LSP_V_WAITS] == 1 && row->v[LSP_V_WAITED] == 3);
		assert_true(row->v[LSP_V_LATE] == 2 && row->v[LSP_V_RELEASES] == 4 && row->v[LSP_V_BLAMED] == 9);
		assert_true(row->v[LSP_V_OPEN] == 1 && row->open_longest_ns == 8);
		assert_true(fixture_row(&t, "others")->v[LSP_V_WAITED] == 2);
		lsp_table_destroy(&t);
		/* two recordings have nothing but names in common */
		assert_int_equal(lsp_table_create(&r, LSP_BY_THREAD, true, &t), 0);
		assert_true(fixture_row(&t, "w")->v[LSP_V_WAITED] == 10);
		lsp_table_destroy(&t);
		lsp_recording_uninit(&r);
	}
}

/* Sampled: a row whose parts all have intervals has theirs joined, others say that they have none. */
static void test_intervals(void **state)
{
	struct lsp_recording r = { 0 };
	const struct lsp_table_row *row;
	struct lsp_table t;

	(void)state;
	fixture_recording(&r);
	fixture_record_add(&r, fixture_record_sampled);
	assert_int_equal(lsp_table_create(&r, LSP_BY_LOCK, false, &t), 0);
	row = fixture_row(&t, "g_mu");
	assert_int_equal(row->waited.trust, LSP_TRUST_SHOWN);
	assert_true(fabs(row->waited.low_ns - 6600e6) < 1 && fabs(row->waited.high_ns - 7300e6) < 1);
	assert_int_equal(row->blamed.trust, LSP_TRUST_TOO_FEW);
	assert_int_equal(fixture_row(&t, "other_mu")->waited.trust, LSP_TRUST_TOO_FEW);
	lsp_table_destroy(&t);
	assert_int_equal(lsp_table_create(&r, LSP_BY_SITE, false, &t), 0);
	row = fixture_row(&t, "fast_update");
	assert_int_equal(row->waited.trust, LSP_TRUST_SHOWN);
	assert_true(fabs(row->waited.low_ns - 6601e6) < 1 && fabs(row->waited.high_ns - 7301e6) < 1);
	assert_int_equal(fixture_row(&t, "wait_all")->waited.trust, LSP_TRUST_TOO_FEW);
	lsp_table_destroy(&t);
	lsp_recording_uninit(&r);
}

/* Files without a record.json: ours say their rates in a comment, others do not. */
static void test_rates_of_files(void **state)
{
	struct lsp_recording r = { 0 };
	struct lsp_profile *other = lsp_profile_create(lsp_profile_contention_types, 2);
	struct lsp_table t;

	(void)state;
	fixture_recording(&r);
	lsp_facts_add_profile(&r.facts, r.parts[LSP_PART_BLOCK]);
	assert_int_equal(lsp_table_create(&r, LSP_BY_SITE, false, &t), 0);
	assert_int_equal(fixture_row(&t, "fast_update")->waited.trust, LSP_TRUST_EXACT);
	lsp_table_destroy(&t);
	lsp_facts_add_profile(&r.facts, other);
	assert_int_equal(lsp_table_create(&r, LSP_BY_SITE, false, &t), 0);
	assert_int_equal(fixture_row(&t, "fast_update")->waited.trust, LSP_TRUST_UNKNOWN);
	lsp_table_destroy(&t);
	lsp_profile_destroy(other);
	lsp_recording_uninit(&r);
}

static void test_part(void **state)
{
	static const struct lsp_profile_type cpu[2] = { { "samples", "count" }, { "cpu", "nanoseconds" } };
	struct lsp_profile *p = lsp_profile_create(cpu, 2);
	struct lsp_profile *empty = lsp_profile_create(lsp_profile_contention_types, 2);
	struct lsp_recording r = { 0 };
	char why[256] = "";

	(void)state;
	assert_int_equal(lsp_recording_part(p, "mutex.pb.gz", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "samples/count, cpu/nanoseconds"));
	assert_int_equal(lsp_recording_part(empty, "d/mutex.pb.gz", why, sizeof(why)), LSP_PART_MUTEX);
	assert_int_equal(lsp_recording_part(empty, "mutexes/x.pb.gz", why, sizeof(why)), LSP_PART_BLOCK);
	fixture_recording(&r);
	for (int i = 0; i < LSP_PART_COUNT; i++)
		assert_int_equal(lsp_recording_part(r.parts[i], "x", why, sizeof(why)), i);
	/* What go tool pprof -diff_base -proto writes: less a wait, and 1 ms more. */
	assert_int_equal(lsp_profile_sample_add(empty, NULL, 0, NULL, 0, (const double[2]){ -1, 1e6 }), 0);
	assert_int_equal(lsp_recording_part(empty, "d/block.pb.gz", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "difference of two profiles"));
	lsp_profile_destroy(p);
	lsp_profile_destroy(empty);
	lsp_recording_uninit(&r);
}

/* ---- what is written ---- */

static char *text_of(const struct lsp_recording *r, enum lsp_by by, size_t top)
{
	struct lsp_table t;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	assert_int_equal(lsp_table_create(r, by, false, &t), 0);
	lsp_report_text_facts(f, r, &t);
	lsp_report_text_rows(f, r, &t, &(struct lsp_report_look){ .top = top });
	fclose(f);
	lsp_table_destroy(&t);
	return text;
}

static void test_open_without_stack(void **state)
{
	struct lsp_recording r = { 0 };
	char record[4096], *text;

	(void)state;
	fixture_recording(&r);
	snprintf(record, sizeof(record), "%s", fixture_record_exact);
	strcpy(strstr(record, "\"pthread_mutex_lock\""), "]}]}");
	fixture_record_add(&r, record);
	text = text_of(&r, LSP_BY_SITE, 20);
	fixture_has(text, "prog (pid 7) on stuck_mu mutex: [no stack]\n");
	free(text);
	lsp_recording_uninit(&r);
}

/* What the recorder itself does at a release stands in the handoff of short sections, and next to it. */
static void test_recorder(void **state)
{
	struct lsp_recording r = { 0 };
	char record[4096], *text;

	(void)state;
	fixture_recording(&r);
	snprintf(record, sizeof(record), "{\"recorder\":{\"handoff_ns\":150000000},%s", fixture_record_exact + 1);
	fixture_record_add(&r, record);
	text = text_of(&r, LSP_BY_SITE, 20);
	fixture_has(text, "handoff         200ms    2.4%  released, not yet taken up, charged to nobody\n"
		  "    of it         150ms    1.8%  at most: the recorder's own work at releases\n");
	free(text);
	lsp_recording_uninit(&r);
}

static void test_text(void **state)
{
	struct lsp_recording r = { 0 };
	char *text;

	(void)state;
	fixture_recording(&r);
	fixture_record_add(&r, fixture_record_exact);
	text = text_of(&r, LSP_BY_SITE, 20);
	fixture_has(text, "./prog -x\\x1b[31m");
	/* What is divided below stands together above, or the parts are more than the whole. */
	fixture_has(text, "of every class\nand open         5.00ms          in 1 wait that had not ended, see below\n"
		  "  hold            8.00s   97.5%");
	fixture_has(text, "handoff         200ms    2.4%");
	fixture_has(text, "tail           1.00ms");
	fixture_has(text, "late to run      51.0ms");
	fixture_has(text, "lost                  0");
	fixture_has(text, "missed       2 probe hits (counted");
	fixture_has(text, "blamed            6.80s          hold that 100 releases of locks ended");
	assert_null(strstr(text, "estimated"));
	fixture_has(text, "    7.00s  85.4%       101    51.0ms |     100ms   1.5%        90 |         0 | fast_update  prog.c:61/66  g_mu  mutex");
	fixture_has(text, "prog (pid 7) on stuck_mu mutex: pthread_mutex_lock < stuck < main");
	assert_null(strstr(text, "start_thread"));
	assert_null(strstr(text, "95%"));
	free(text);
	text = text_of(&r, LSP_BY_SITE, 1);
	fixture_has(text, "3 more rows (--top)");
	free(text);
	text = text_of(&r, LSP_BY_SITE, 3);
	fixture_has(text, "1 more row (--top)");
	free(text);
	lsp_recording_uninit(&r);

	memset(&r, 0, sizeof(r));
	fixture_recording(&r);
	fixture_record_add(&r, fixture_record_sampled);
	text = text_of(&r, LSP_BY_LOCK, 20);
	fixture_has(text, "lost         12 waits found no room");
	fixture_has(text, "note         1 event came without a stack");
	fixture_has(text, "6.60s..7.30s");
	/* The blame is no exact total like those above it. */
	fixture_has(text, "estimated from what sampling kept\nblamed            6.80s");
	assert_true(strstr(text, "estimated from what") > strstr(text, "late to run"));
	fixture_has(text, "- stands where too few events were kept for an interval");
	free(text);
	/* Where no row has an interval there is no column for them. */
	text = text_of(&r, LSP_BY_THREAD, 20);
	fixture_has(text, "too few events were kept for intervals");
	assert_null(strstr(text, "95%"));
	free(text);
	lsp_recording_uninit(&r);
}

static void test_nothing(void **state)
{
	static const char *const wants[] = { "nothing was kept", "nothing waited", "nothing was kept" };
	struct lsp_recording r = { 0 };
	char *text;

	(void)state;
	r.parts[LSP_PART_BLOCK] = lsp_profile_create(lsp_profile_contention_types, 2);
	for (int i = 0; i < 3; i++) {
		if (i)
			fixture_record_add(&r, i > 1 ? "{\"format\":1,\"exact\":{\"contentions\":40}}" : "{\"format\":1,\"exact\":{}}");
		text = text_of(&r, LSP_BY_SITE, 20);
		fixture_has(text, wants[i]);
		free(text);
	}
	lsp_recording_uninit(&r);
}

/* It is nobody's blame, and yet is said: in the totals, and of its lock. */
static void test_given_up(void **state)
{
	struct lsp_recording r = { 0 };
	struct lsp_table t;
	char *text;

	(void)state;
	fixture_recording(&r);
	fixture_given_up_add(&r, "g_mu", 4, 300e6);
	fixture_given_up_add(&r, "forsaken_mu", 1, 50e6);
	for (int by = 0; by < LSP_BY_COUNT; by++) {
		assert_int_equal(lsp_table_create(&r, (enum lsp_by)by, false, &t), 0);
		assert_true(t.total[LSP_V_GIVEN_UP] == 350e6);
		assert_true(t.total[LSP_V_BLAMED] == 6800e6 && t.total[LSP_V_RELEASES] == 100);
		assert_null(lsp_table_find(&t, "[given up]"));
		if (by == LSP_BY_LOCK) {
			assert_true(fixture_row(&t, "g_mu")->v[LSP_V_GIVEN_UP] == 300e6);
			assert_true(lsp_table_row_shown(fixture_row(&t, "forsaken_mu")));
			text = text_of(&r, LSP_BY_LOCK, 10);
			fixture_has(text, "given up          350ms          waits for locks that nobody ended");
			fixture_has(text, "|     300ms | g_mu");
			free(text);
		}
		lsp_table_destroy(&t);
	}
	lsp_recording_uninit(&r);
}

static void test_json(void **state)
{
	struct lsp_recording r = { 0 };
	struct json_object *o;
	const char *text;
	struct lsp_table t;

	(void)state;
	fixture_recording(&r);
	fixture_record_add(&r, fixture_record_sampled);
	assert_int_equal(lsp_table_create(&r, LSP_BY_LOCK, false, &t), 0);
	o = lsp_report_json(&r, &t, 1);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	fixture_has(text, "\"exact\":{\"contentions\":103,\"delay_ns\":8201000000,\"sched_delay_ns\":51000000,"
	    "\"releases\":102,\"hold_ns\":8000000000,\"handoff_ns\":200000000,\"tail_ns\":1000000,\"open\":1,\"open_ns\":5000000}");
	fixture_has(text, "\"partial\":true,\"partial_reasons\":[\"12 waits found no room\"],\"notes\":[\"1 event came without a stack\"]");
	fixture_has(text, "\"rows\":[{\"lock\":\"g_mu\",\"sync\":\"mutex\",\"block\":{\"contentions\":100,\"delay_ns\":7000000000,"
	    "\"sched_delay_ns\":50000000,\"spurious\":3,\"depth_mean\":4,\"interval\":\"95%\",\"low_ns\":6600000000,\"high_ns\":7300000000},"
	    "\"mutex\":{\"contentions\":100,\"delay_ns\":6800000000,\"other_releases\":0,\"other_hold_ns\":0,\"waiters_mean\":3.5,"
	    "\"interval\":\"too few\"},\"handoff_ns\":200000000,");
	fixture_has(text, "\"rows_left_out\":3");
	json_object_put(o);
	lsp_table_destroy(&t);
	lsp_recording_uninit(&r);
}

/* Nothing that a program is called can end the element that the JSON stands in. */
static void test_page(void **state)
{
	static const struct fixture_events evil = {
		.function = "<script>alert(1)</script>", .lock = "</script><!--&'\"\\", .count = 5, .ns = 2e9,
	};
	struct lsp_recording r = { 0 };
	char *pages[2] = { NULL }, *at;
	size_t ends[2] = { 0 }, bytes;
	FILE *f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fixture_recording(&r);
		fixture_record_add(&r, fixture_record_exact);
		if (i)
			fixture_events_add(&r, &evil);
		f = open_memstream(&pages[i], &bytes);
		assert_int_equal(lsp_report_page(f, &r), 0);
		fclose(f);
		for (at = pages[i]; (at = strcasestr(at, "</script")); at++)
			ends[i]++;
		lsp_recording_uninit(&r);
	}
	assert_int_equal(ends[0], 4);
	assert_int_equal(ends[1], 4);
	fixture_has(pages[1], "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e");
	assert_null(strstr(pages[1], "<script>alert"));
	assert_null(strstr(pages[1], "@{"));
	fixture_has(pages[1], "Apache License");
	fixture_has(pages[1], "Mike Bostock");
	/* And nothing in it is to be fetched. */
	assert_null(strstr(pages[1], "<script src"));
	assert_null(strstr(pages[1], "<img"));
	assert_null(strstr(pages[1], "@import"));
	assert_null(strstr(pages[1], "<link"));
	free(pages[0]);
	free(pages[1]);
}

static void test_bad_records(void **state)
{
	static const char *const texts[] = {
		"", "[]", "{}", "{\"format\":2}", "{\"format\":1", "no JSON",
	};
	struct lsp_facts f = { 0 };
	char why[128];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*why = '\0';
		assert_int_equal(lsp_facts_add_record(&f, texts[i], why, sizeof(why)), -EBADMSG);
		assert_true(*why != '\0');
	}
	/* Of other types than it should be: nothing is known, nothing breaks. */
	assert_int_equal(lsp_facts_add_record(&f, "{\"format\":1,\"locks\":3,\"open_waits\":[1,null],"
		"\"exact\":[],\"probes\":{},\"partial_reasons\":[{}],\"begun\":4}", why, sizeof(why)), 0);
	assert_string_equal(lsp_facts_text(&f, 0, "begun"), "");
	assert_false(lsp_facts_partial(&f, NULL, NULL));
	lsp_facts_uninit(&f);
}

/* ---- for tests/e2e/report.sh ---- */

static void folder_write(const char *folder, const char *name, struct lsp_recording *r, const char *record)
{
	static const char *const names[LSP_PART_COUNT] = { "block", "mutex", "contention.ext" };
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	mkdir(path, 0777);
	for (int i = 0; i < LSP_PART_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s.pb.gz", folder, name, names[i]);
		if (lsp_profile_write(r->parts[i], path))
			exit(1);
	}
	snprintf(path, sizeof(path), "%s/%s/record.json", folder, name);
	f = fopen(path, "w");
	if (!f || fputs(record, f) < 0 || fclose(f))
		exit(1);
}

/* 10,000 different stacks of 24 frames, of 3,000 functions, on 200 locks. */
static void big_write(const char *folder)
{
	struct lsp_recording r = { 0 };
	struct lsp_profile *p;
	unsigned int seed = 1;

	fixture_recording(&r);
	for (int i = 0; i < 20000; i++) {
		bool release = i & 1;
		uint64_t stack[24];
		char name[64];
		const struct lsp_profile_label labels[3] = {
			{ .key = "lock", .str = name }, { .key = "sync", .str = "mutex" },
			{ .key = "comm", .str = "prog" },
		};
		const double values[2] = { 1 + i % 7, 1e6 * (1 + i % 1000) };

		p = r.parts[release ? LSP_PART_MUTEX : LSP_PART_BLOCK];
		for (int k = 0; k < 24; k++) {
			struct lsp_profile_line line = { .file = "/src/big.cc", .line = k + 1 };

			/* Roots are few, leaves many, as in programs. */
			seed = seed * 1103515245 + 12345;
			snprintf(name, sizeof(name), "ns::Class%d::method%u", k,
				 (seed >> 8) % (k < 12 ? 250 : 2));
			if (!k)
				strcpy(name, release ? "pthread_mutex_unlock" : "pthread_mutex_lock");
			line.function = line.system_name = name;
			stack[k] = (uint64_t)lsp_profile_location_add(p, 0, 0, &line, 1);
		}
		snprintf(name, sizeof(name), "g_table.shards[%d].mu", i / 2 % 200);
		if (lsp_profile_sample_add(p, stack, 24, labels, 3, values))
			exit(1);
	}
	folder_write(folder, "big", &r, fixture_record_exact);
	lsp_recording_uninit(&r);
}

static int files_write(const char *folder)
{
	static const struct fixture_events more = {
		.function = "<script>alert(1)</script>", .line = 3, .lock = "</script><b>\"'&", .count = 5, .ns = 2e9,
	};
	struct lsp_recording r = { 0 };

	fixture_recording(&r);
	folder_write(folder, "exact", &r, fixture_record_exact);
	folder_write(folder, "sampled", &r, fixture_record_sampled);
	fixture_events_add(&r, &more);
	folder_write(folder, "more", &r, fixture_record_exact);
	lsp_recording_uninit(&r);
	big_write(folder);
	for (int i = 0; i < LSP_PART_COUNT; i++)
		r.parts[i] = lsp_profile_create(lsp_profile_contention_types, 2);
	folder_write(folder, "empty", &r, "{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1}");
	lsp_recording_uninit(&r);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_row_order_and_places),
		cmocka_unit_test(test_threads_of_processes),
		cmocka_unit_test(test_threads_by_id),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_rates_of_files),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_open_without_stack), cmocka_unit_test(test_recorder), cmocka_unit_test(test_text),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_bad_records),
	};

	if (argc == 3 && !strcmp(argv[1], "--files"))
		return files_write(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
