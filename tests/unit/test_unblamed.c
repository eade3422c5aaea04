// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hold that is nobody's blame. Would catch: hold that no file and no report
 * speaks of, a semaphore that is a lock and is not blamed, one that is none and
 * is, a reason that is counted twice or lost where recordings are added up.
 *
 * sources: user/collect/ user/collect/roles/ user/collect/roots/ user/results/ user/report/ user/report/why/
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
 * sources: user/profile/
 * sources: tests/unit/fixture_resolver.c user/resolve/trace.c user/resolve/sync_names.c user/resolve/symbol/plain_name.c tests/unit/fixture_collector.c tests/unit/fixture_report.c
 * libs: -lprotobuf-c -lz -lm -ljson-c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/state.h"
#include "../../user/report/text.h"
#include "../../user/results/groups.h"
#include "fixture_collector.h"
#include "fixture_report.h"
#include "fixture_resolver.h"

/* ---- a recording ---- */

static uint64_t g_id;

/* @tid waits for @key from @from_us to @to_us, until @by releases it; the records in order of time do not matter. */
static void feed_wait(struct feeder *f, uint64_t stack, uint64_t key, uint32_t tid, uint32_t by, uint64_t from_us,
		      uint64_t to_us)
{
	struct lockspan_span s = span(stack, key, 0);
	struct lockspan_release r = release(stack, key, (to_us - from_us) * 1000);

	s.id = r.span = ++g_id;
	s.enq_ns = from_us * 1000;
	s.wake_ns = r.time_ns = to_us * 1000;
	s.run_ns = s.wake_ns + 5000;
	s.tid = r.waiter_tid = tid;
	s.depth = 2;
	r.tid = by;
	feed(f, &s);
	feed(f, &r);
}

/* Two threads hand a key on 40 times, as they do with a lock. */
static void feed_lock(struct feeder *f, uint64_t stack, uint64_t key)
{
	for (uint64_t i = 0; i < 40; i++)
		feed_wait(f, stack, key, 1 + i % 2, 2 - i % 2, 1000 + 100 * i, 1090 + 100 * i);
}

/* One thread ends the waits of others, and waits for nothing. */
static void feed_signal(struct feeder *f, uint64_t stack, uint64_t key)
{
	for (uint64_t i = 0; i < 40; i++)
		feed_wait(f, stack, key, 1 + i % 2, 9, 1000 + 100 * i, 1090 + 100 * i);
}

static bool has_comment(const struct lsp_profile *p, const char *text)
{
	const char *comment;

	for (size_t i = 0; (comment = lsp_profile_comment(p, i)); i++)
		if (!strcmp(comment, text))
			return true;
	return false;
}

static double sum_by_role(const struct lsp_profile *p, const char *role)
{
	struct lsp_profile_sample s;
	double sum = 0;

	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++)
		for (size_t k = 0; k < s.nlabels; k++)
			if (!strcmp(s.labels[k].key, "role") && !strcmp(s.labels[k].str, role))
				sum += s.values[0];
	return sum;
}

static void begin_all(struct feeder *f)
{
	begin(f);
	feed_stack(f, 1, 10, RIP(SEM, 0));
	feed_stack(f, 1, 11, RIP(OTHER, 0));
	feed_stack(f, 1, 12, RIP(COND, 0));
	feed_stack(f, 1, 13, RIP(BARRIER, 0));
	feed_stack(f, 1, 14, RIP(MUTEX, 0));
}

static void every_hold_is_told(void **state)
{
	struct lsp_profiles_facts facts = { .rates = { .block_rate_ns = 1, .mutex_fraction = 1 } };
	struct lsp_profiles_summary s;
	struct lsp_profiles p;
	struct feeder f;

	(void)state;
	begin_all(&f);
	feed_lock(&f, 10, 5);
	feed_lock(&f, 11, 6);
	feed_signal(&f, 12, 7);
	feed_signal(&f, 10, 8);
	for (int i = 0; i < 3; i++)
		feed_wait(&f, 11, 9, 1, 2, 1000 + 100 * (uint64_t)i, 1050 + 100 * (uint64_t)i);
	finish(&f, &s);
	assert_int_equal(s.mutex.estimate.kept, 80);
	assert_int_equal(s.unblamed[LSP_UNBLAMED_SIGNAL].kept, 80);
	assert_int_equal(s.unblamed[LSP_UNBLAMED_UNKNOWN].kept, 3);
	assert_int_equal(s.other.estimate.kept, 83);
	assert_int_equal(lsp_profiles_create(f.c, &facts, &p), 0);
	assert_true(has_comment(p.mutex, "not blamed: 7200000 ns hold of 80 releases, signal: who releases it is not seen to have held it"));
	assert_true(has_comment(p.block, "not blamed: 150000 ns hold of 3 releases, unknown: too few releases tell what the key is used for"));
	assert_true(sum_by_role(p.mutex, "lock") == 80 && sum_by_role(p.mutex, "signal") == 0);
	assert_true(sum_by_role(p.ext, "lock") == 80 && sum_by_role(p.ext, "signal") == 80);
	lsp_profiles_destroy(&p);
	lsp_collector_destroy(f.c);
}

static void a_lock_shows_what_limits_its_blame(void **state)
{
	struct lsp_profiles_summary s;
	struct lsp_groups g;
	struct feeder f;

	(void)state;
	begin_all(&f);
	feed_lock(&f, 14, 5);
	finish(&f, &s);
	assert_int_equal(lsp_groups_create(f.c, LSP_GROUP_LOCK, &g), 0);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.groups[0].role, LSP_ROLE_LOCK);
	assert_int_equal(g.groups[0].evidence.releases, 40);
	assert_true(lsp_evidence_chained(&g.groups[0].evidence) == 1);
	lsp_groups_destroy(&g);
	lsp_collector_destroy(f.c);
}

/* Neither is a semaphore left out that is a lock, nor does a queue without a name stand before it. */
static void the_worst_lock_is_a_lock(void **state)
{
	struct lsp_profiles_summary s;
	struct feeder f;
	double ns;

	(void)state;
	begin_all(&f);
	feed_lock(&f, 10, 5);
	feed_signal(&f, 11, 6);
	feed_signal(&f, 11, 6);
	finish(&f, &s);
	lsp_collector_top(f.c, &ns);
	assert_true(ns == 40 * 90e3);
	lsp_collector_destroy(f.c);
}

/* A key that is no thread's tells its use in 1,024 events: after that it is only summed, and blamed all the same. */
static void roles_hold_beyond_the_notes(void **state)
{
	struct lsp_profiles_summary s;
	struct lsp_collector_totals t;
	struct feeder f;

	(void)state;
	begin_all(&f);
	for (uint64_t i = 0; i < 20000; i++) {
		feed_wait(&f, 10, 5, 1 + i % 3, 1 + (i + 2) % 3, 1000 + 100 * i, 1150 + 100 * i);
		if (i % 1000 == 999)
			assert_int_equal(lsp_collector_tick(f.c), 0);
	}
	finish(&f, &s);
	lsp_collector_totals(f.c, &t);
	assert_int_equal(s.mutex.estimate.kept, 20000);
	assert_int_equal(s.other.estimate.kept, 0);
	assert_int_equal(t.threads_undecided, 0);
	lsp_collector_destroy(f.c);
}

/* What a lock costs that is known by its name: until the first fold, not for as long as no second is over. */
static void a_known_lock_is_soon_noted_no_more(void **state)
{
	struct lsp_profiles_summary s;
	struct feeder f;

	(void)state;
	begin_all(&f);
	locks_native = true;
	for (uint64_t i = 0; i < 20000; i++)
		feed_wait(&f, 14, 5, 1 + i % 3, 1 + (i + 2) % 3, 1000 + 100 * i, 1150 + 100 * i);
	assert_in_range(f.c->notes.n, 1, 8192);
	finish(&f, &s);
	assert_int_equal(s.mutex.estimate.kept, 20000);
	lsp_collector_destroy(f.c);
}

/* Words that are threads' need all their events. What is more than can be noted is nobody's blame, and told so. */
static void more_than_can_be_noted(void **state)
{
	const uint64_t waits = 290000;
	struct lsp_profiles_summary s;
	struct feeder f;

	(void)state;
	begin_all(&f);
	locks_native = false;
	for (uint64_t i = 0; i < waits; i++) {
		uint64_t key = 5 + i % 3;
		struct lockspan_span w = span(11, key, 0);
		struct lockspan_release r = release(11, key, 90000);

		w.id = r.span = ++g_id;
		w.enq_ns = 1000000 + 100000 * i;
		w.wake_ns = r.time_ns = w.enq_ns + 190000;
		w.run_ns = w.wake_ns + 5000;
		w.tid = r.waiter_tid = (uint32_t)key;
		r.tid = (uint32_t)(5 + (i + 2) % 3);
		feed(&f, &w);
		feed(&f, &r);
	}
	finish(&f, &s);
	assert_int_equal(s.block.estimate.kept, waits);
	assert_int_equal(s.mutex.estimate.kept, 262144);
	assert_int_equal(s.unblamed[LSP_UNBLAMED_CROWDED].kept, waits - 262144);
	assert_int_equal(s.other.estimate.kept, waits - 262144);
	lsp_collector_destroy(f.c);
}

/* ---- reports ---- */

static void recordings_add_up(void **state)
{
	struct lsp_recording r = { 0 };
	struct lsp_facts_unblamed u;
	char record[4096], why[128];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		snprintf(record, sizeof(record), "{\"format\":1,\"not_blamed\":{\"signal\":{\"releases\":2,\"hold_ns\":5,"
			 "\"why\":\"w\"},\"%s\":{\"releases\":1,\"hold_ns\":7,\"why\":\"v\"}}}", i ? "pool" : "join");
		assert_int_equal(lsp_facts_add_record(&r.facts, record, why, sizeof(why)), 0);
	}
	for (; lsp_facts_unblamed(&r.facts, n, &u); n++)
		assert_true(strcmp(u.name, "signal") ? u.releases == 1 && u.hold_ns == 7 && !strcmp(u.why, "v") :
			    u.releases == 4 && u.hold_ns == 10);
	assert_int_equal(n, 3);
	lsp_recording_uninit(&r);
}

/* What is blamed or not can not add up to the words' hold where virtual keys stand for them. */
static void the_head_goes_by_virtual_keys(void **state)
{
	struct lsp_facts_totals t;
	struct lsp_recording r = { 0 };
	char why[128];

	(void)state;
	assert_int_equal(lsp_facts_add_record(&r.facts, "{\"format\":1,\"exact\":{\"delay_ns\":100,\"hold_ns\":90,"
		"\"handoff_ns\":0,\"tail_ns\":10}}", why, sizeof(why)), 0);
	assert_int_equal(lsp_facts_add_record(&r.facts, "{\"format\":1,\"exact\":{\"delay_ns\":1000,\"hold_ns\":1000,"
		"\"handoff_ns\":0,\"tail_ns\":0},\"with_virtual_keys\":{\"hold_ns\":700,\"handoff_ns\":250,\"tail_ns\":50}}",
		why, sizeof(why)), 0);
	lsp_facts_totals(&r.facts, &t);
	assert_true(t.exact && t.delay_ns == 1100);
	assert_true(t.hold_ns == 790 && t.handoff_ns == 250 && t.tail_ns == 60);
	lsp_recording_uninit(&r);
}

static void a_report_tells_it(void **state)
{
	struct lsp_recording r = { 0 };
	char *text = NULL, why[128];
	struct lsp_table t;
	size_t bytes;
	FILE *to;

	(void)state;
	fixture_recording(&r);
	assert_int_equal(lsp_facts_add_record(&r.facts, "{\"format\":1,\"not_blamed\":{\"pool\":{\"releases\":12,"
		"\"hold_ns\":1200000000,\"why\":\"several have it\"}}}", why, sizeof(why)), 0);
	assert_int_equal(lsp_table_create(&r, LSP_BY_SITE, false, &t), 0);
	to = open_memstream(&text, &bytes);
	lsp_report_text_facts(to, &r, &t);
	lsp_report_text_rows(to, &r, &t, &(struct lsp_report_look){ .top = 20 });
	fclose(to);
	assert_non_null(strstr(text, "not blamed        1.20s          pool, on 12 releases: several have it\n"));
	free(text);
	lsp_table_destroy(&t);
	lsp_recording_uninit(&r);
}

/* What is blamed goes by the role: a semaphore that is a lock is not counted a second time as something else. */
static void a_table_counts_by_role(void **state)
{
	static const struct fixture_events events[] = {
		{ .release = true, .function = "give", .lock = "g_sem", .sync = "sem", .role = "lock", .count = 10,
		  .ns = 5e6, .queue = 2 },
		{ .release = true, .function = "unlock", .lock = "parked@f#1 [unsure]", .sync = "mutex",
		  .role = "unsure", .count = 7, .ns = 3e6, .queue = 2 },
		{ .release = true, .function = "put", .lock = "g_items", .sync = "sem", .role = "signal", .count = 4,
		  .ns = 2e6, .queue = 2 },
	};
	struct lsp_recording r = { 0 };
	struct lsp_table t;

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		fixture_events_add(&r, &events[i]);
	assert_int_equal(lsp_table_create(&r, LSP_BY_LOCK, false, &t), 0);
	assert_float_equal(t.total[LSP_V_RELEASES], 10, 0);
	assert_float_equal(t.total[LSP_V_OTHER_RELEASES], 11, 0);
	assert_float_equal(t.total[LSP_V_OTHER_HOLD], 5e6, 0);
	assert_float_equal(lsp_table_find(&t, "g_sem")->v[LSP_V_OTHER_RELEASES], 0, 0);
	lsp_table_destroy(&t);
	lsp_recording_uninit(&r);
}

/* However long idle workers wait, a lock stands above them; joins and barriers come last. */
static void locks_come_first(void **state)
{
	static const struct fixture_events events[] = {
		{ .function = "idle", .lock = "g_jobs", .sync = "other", .count = 50, .ns = 90e9, .queue = 1 },
		{ .release = true, .function = "submit", .lock = "g_jobs", .sync = "other", .role = "pool", .count = 50,
		  .ns = 80e9, .queue = 2 },
		{ .function = "join_all", .lock = "thread@join_all", .sync = "join", .count = 1, .ns = 99e9, .queue = 1 },
		{ .function = "take", .lock = "g_sem", .sync = "sem", .count = 10, .ns = 1e6, .queue = 2 },
		{ .release = true, .function = "give", .lock = "g_sem", .sync = "sem", .role = "lock", .count = 10,
		  .ns = 1e6, .queue = 2 },
	};
	static const enum lsp_by bys[] = { LSP_BY_LOCK, LSP_BY_SITE };
	struct lsp_recording r = { 0 };
	struct lsp_table t;

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		fixture_events_add(&r, &events[i]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lsp_table_create(&r, bys[i], false, &t), 0);
		assert_string_equal(bys[i] == LSP_BY_LOCK ? t.rows[0].name : t.rows[0].lock, "g_sem");
		assert_int_equal(t.rows[t.shown - 1].use, LSP_USE_END);
		assert_int_equal(lsp_table_find(&t, bys[i] == LSP_BY_LOCK ? "g_jobs" : "idle")->use, LSP_USE_HANDOVER);
		lsp_table_destroy(&t);
	}
	lsp_recording_uninit(&r);
}

static void the_last_line_names_the_greatest(void **state)
{
	struct lsp_estimate by[LSP_UNBLAMED_COUNT] = { 0 };
	char text[64];

	(void)state;
	lsp_unblamed_text(by, 0, text, sizeof(text));
	assert_string_equal(text, "");
	by[LSP_UNBLAMED_POOL] = (struct lsp_estimate){ .kept = 1, .delay_ns = 2e9 };
	by[LSP_UNBLAMED_WEAK] = (struct lsp_estimate){ .kept = 1, .delay_ns = 3e9 };
	by[LSP_UNBLAMED_SIGNAL] = (struct lsp_estimate){ .kept = 1, .delay_ns = 1e6 };
	lsp_unblamed_text(by, 1e7, text, sizeof(text));
	assert_string_equal(text, "3.000 s unsure, 2.000 s pool");
	lsp_unblamed_text(by, 0, text, 12);
	assert_string_equal(text, "3.000 s uns");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hold_is_told),
		cmocka_unit_test(a_lock_shows_what_limits_its_blame),
		cmocka_unit_test(the_worst_lock_is_a_lock),
		cmocka_unit_test(roles_hold_beyond_the_notes),
		cmocka_unit_test(a_known_lock_is_soon_noted_no_more),
		cmocka_unit_test(more_than_can_be_noted),
		cmocka_unit_test(recordings_add_up),
		cmocka_unit_test(the_head_goes_by_virtual_keys),
		cmocka_unit_test(a_report_tells_it),
		cmocka_unit_test(a_table_counts_by_role),
		cmocka_unit_test(locks_come_first),
		cmocka_unit_test(the_last_line_names_the_greatest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
