// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/report/ user/report/why/ user/report/sections/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * What a report says first. Would catch: a headline about a pool or a join, a queue among the locks, a lock's time
 * charged to another lock's sites, sites in another order than that of their sums, and transit that nobody is told
 * of, or that is said of what has little of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/report/sections/sections.h"
#include "../../user/report/sections/thread_time.h"
#include "fixture_report.h"

static char *text_of(const struct lsp_recording *r, size_t columns)
{
	const struct lsp_report_look look = { .top = 10, .layout.columns = columns };
	struct lsp_sections s;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	assert_int_equal(lsp_sections_create(r, &s), 0);
	lsp_sections_headline(f, &s, &look.layout);
	lsp_sections_text(f, &s, &look);
	fclose(f);
	lsp_sections_destroy(&s);
	return text;
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in:\n%s", part, text);
}

static const char all_kept[] = "{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1}";

/* Each release is counted once, though two files have it. */
static void test_parties(void **state)
{
	const struct lsp_party *found;
	struct lsp_recording r = { 0 };
	struct lsp_parties p;

	(void)state;
	fixture_recording(&r);
	assert_int_equal(lsp_parties_create(&r, &p), 0);
	assert_int_equal(lsp_parties_of(&p, "g_mu", LSP_PARTY_BLAMED, &found), 2);
	assert_string_equal(found[0].site, "slow_update");
	assert_true(found[0].ns == 6700e6 && found[0].count == 10 && found[1].count == 90);
	assert_int_equal(lsp_parties_of(&p, "g_mu", LSP_PARTY_WAITS, &found), 1);
	assert_true(found[0].ns == 7000e6 && found[0].count == 100 && found[0].rewaits == 3);
	assert_int_equal(lsp_parties_of(&p, "other_mu", LSP_PARTY_BLAMED, &found), 0);
	assert_int_equal(lsp_parties_of(&p, "no such lock", LSP_PARTY_WAITS, &found), 0);
	lsp_parties_destroy(&p);
	lsp_recording_uninit(&r);
}

/* A pool and a join wait longest, and yet the lock comes first. */
static void test_order(void **state)
{
	static const struct fixture_events events[] = {
		{ .function = "worker", .leaf = "pthread_cond_wait", .lock = "pool.idle", .sync = "cond", .count = 9, .ns = 90e9 },
		{ .function = "put", .leaf = "pthread_cond_signal", .lock = "pool.idle", .sync = "cond", .role = "signal",
		  .release = true, .count = 8, .ns = 75e9 },
		{ .function = "shut", .leaf = "pthread_cond_signal", .lock = "pool.idle", .sync = "cond", .role = "signal",
		  .release = true, .count = 1, .ns = 25e9 },
		{ .function = "sip", .leaf = "sem_wait", .lock = "g_gate", .sync = "sem", .count = 4, .ns = 1e9 },
		{ .function = "open_gate", .leaf = "sem_post", .lock = "g_gate", .sync = "sem", .role = "unknown", .release = true,
		  .count = 4, .ns = 1e9 },
	};
	struct lsp_recording r = { 0 };
	const char *at[4];
	char *text;

	(void)state;
	fixture_recording(&r);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		fixture_events_add(&r, &events[i]);
	fixture_record_add(&r, all_kept);
	text = text_of(&r, 0);
	fixture_has(text, "g_mu (mutex) is the lock that was waited for most: 7.00s in 100 waits; slow_update has 98.5% of the blame\n");
	at[0] = strstr(text, "\nLocks\n");
	at[1] = strstr(text, "\nToo few releases");
	at[2] = strstr(text, "\nHand-overs and queues\n");
	at[3] = strstr(text, "\nJoins and barriers\n");
	for (int i = 0; i < 4; i++)
		assert_true(at[i] && (!i || at[i] > at[i - 1]));
	fixture_has(at[0], "|     6.80s | g_mu  mutex\n          held by slow_update (98.5%), fast_update (1.5%)\n");
	fixture_has(at[1], " | g_gate  sem\n          sip waits for open_gate\n");
	fixture_has(at[2], " | pool.idle  cond\n          worker waits for put (75.0%), shut (25.0%)\n");
	fixture_has(at[3], " | stack@main  join\n          wait_all waits for start_thread\n");
	has_not(text, "p50");
	has_not(text, "nobody's blame");
	free(text);
	lsp_recording_uninit(&r);
}

static void why_add(struct lsp_recording *r, const char *lock, const char *why, double ns)
{
	fixture_events_add(r, &(struct fixture_events){ .release = true, .function = "slow_update", .lock = lock, .role = "lock",
							.why = why, .count = 10, .ns = ns });
}

/*
 * The line under a lock: causes by their size, those that are too small left out, as long as the line may be. Locks with
 * little blame, and those of which more is unknown than known, have none.
 */
static void test_why(void **state)
{
	struct lsp_recording r = { 0 };
	char *text;

	(void)state;
	why_add(&r, "g_mu", "fsync", 6900e6);
	why_add(&r, "g_mu", "running", 1700e6);
	why_add(&r, "g_mu", "lock lib::log<std::string>::mu", 1000e6);
	why_add(&r, "g_mu", "runnable", 400e6);
	why_add(&r, "little_mu", "fsync", 90e6);
	why_add(&r, "strange_mu", "fsync", 900e6);
	why_add(&r, "strange_mu", "unknown", 1000e6);
	for (int i = 0; i < 3; i++)
		fixture_events_add(&r, &(struct fixture_events){ .function = "f", .lock = (const char *[]){ "g_mu", "little_mu",
			"strange_mu" }[i], .count = 10, .ns = 1000e6 });
	fixture_record_add(&r, all_kept);
	text = text_of(&r, 0);
	fixture_has(text, "held by slow_update\n          held long because: 69.0% asleep in fsync, 17.0% running, "
		  "10.0% waiting for lib::log::mu\n");
	assert_null(strstr(strstr(text, "held long because") + 1, "held long because"));
	free(text);
	text = text_of(&r, 60);
	fixture_has(text, "          held long because: 69.0% asleep in fsync, 17.0%...\n");
	free(text);
	lsp_recording_uninit(&r);
}

static char *thread_time_of(const struct lsp_recording *r)
{
	struct lsp_sections s;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	assert_int_equal(lsp_sections_create(r, &s), 0);
	assert_int_equal(lsp_thread_time_text(f, r, &s), 0);
	fclose(f);
	lsp_sections_destroy(&s);
	return text;
}

/*
 * Where the time of threads went, over all recordings. The note is for programs that wait in another system call for other
 * threads, not for those that sleep.
 */
static void test_thread_time(void **state)
{
	static const struct {
		const char *call;
		long long ns;
		bool elsewhere;
	} cases[] = {
		{ "epoll_wait", 80000000000, true }, { "epoll_wait", 26000000000, false }, { "clock_nanosleep", 80000000000, false },
	};
	char record[512], *text;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lsp_recording r = { 0 };

		fixture_recording(&r);
		fixture_record_add(&r, "{\"format\":1,\"thread_time\":[{\"what\":\"futex\",\"ns\":1000000000}]}");
		snprintf(record, sizeof(record), "{\"format\":1,\"thread_time\":[{\"what\":\"%s\",\"ns\":%lld},"
			 "{\"what\":\"futex\",\"ns\":7200000000},{\"what\":\"running\",\"ns\":11800000000}]}",
			 cases[i].call, cases[i].ns);
		fixture_record_add(&r, record);
		text = thread_time_of(&r);
		if (!i)
			fixture_has(text, "thread time        100s          80.0% asleep in epoll_wait, 11.8% running, 8.2% asleep in futex; "
				  "futexes: 7.0% locks, 1.2% joins and barriers\n");
		if (cases[i].elsewhere)
			fixture_has(text, "note         the threads wait in epoll_wait for 80.0% of their time, and for futexes for 8.2%: ");
		else
			has_not(text, "note");
		free(text);
		lsp_recording_uninit(&r);
	}
	{
		struct lsp_recording r = { 0 };

		fixture_recording(&r);
		fixture_record_add(&r, all_kept);
		text = thread_time_of(&r);
		assert_string_equal(text, "");
		free(text);
		lsp_recording_uninit(&r);
	}
}

/* A lock that nobody had to wait for long is named, and not for more than it is. */
static void test_little(void **state)
{
	static const char *const records[] = {
		"{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1,\"duration_ns\":340000000000}",
		"{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1,\"duration_ns\":360000000000}",
	};
	char *text;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct lsp_recording r = { 0 };

		fixture_recording(&r);
		fixture_record_add(&r, records[i]);
		text = text_of(&r, 0);
		(i ? has_not : fixture_has)(text, "g_mu (mutex) is the lock that was waited for most: 7.00s in 100 waits; slow_update");
		(i ? fixture_has : has_not)(text, "little was waited for locks, most of it for g_mu (mutex): 7.00s in 100 waits, while 6.00min passed; "
				    "slow_update has 98.5% of the blame\n");
		free(text);
		lsp_recording_uninit(&r);
	}
}

/* Nothing but a queue was waited for: no lock is invented. */
static void test_no_lock(void **state)
{
	static const struct fixture_events idle = {
		.function = "worker", .leaf = "pthread_cond_wait", .lock = "pool.idle", .sync = "cond", .count = 9, .ns = 90e9,
	};
	struct lsp_recording r = { 0 };
	char *text;

	(void)state;
	r.parts[LSP_PART_BLOCK] = lsp_profile_create(lsp_profile_contention_types, 2);
	text = text_of(&r, 0);
	assert_string_equal(text, "");
	free(text);
	lsp_recording_uninit(&r);
	fixture_events_add(&r, &idle);
	text = text_of(&r, 0);
	fixture_has(text, "nothing that was waited for is known to be a lock\n");
	has_not(text, "Locks");
	/* Nothing tells the rates. */
	fixture_has(text, "Hand-overs and queues (estimates; --by lock has their intervals)\n");
	free(text);
	lsp_recording_uninit(&r);
}

/* The thread's end and a lock have one name, as things have that a function allocated: only the lock's holder is blamed. */
static void test_one_name_for_two(void **state)
{
	static const struct fixture_events lock[] = {
		{ .function = "acquire", .leaf = "sem_wait", .lock = "heap@acquire", .sync = "sem", .count = 9, .ns = 4e9 },
		{ .function = "release", .leaf = "sem_post", .lock = "heap@acquire", .sync = "sem", .role = "lock",
		  .release = true, .count = 8, .ns = 3e9 },
		{ .function = "end_thread", .leaf = "sem_post", .lock = "heap@acquire", .sync = "sem", .role = "unknown",
		  .release = true, .count = 1, .ns = 1e9 },
	};
	static const struct fixture_events more = {
		.function = "end_thread", .leaf = "sem_post", .lock = "heap@acquire", .sync = "sem", .role = "signal",
		.release = true, .count = 1, .ns = 9e9,
	};
	struct lsp_recording r = { 0 };
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(lock) / sizeof(lock[0]); i++)
		fixture_events_add(&r, &lock[i]);
	fixture_record_add(&r, all_kept);
	text = text_of(&r, 0);
	fixture_has(text, "heap@acquire (sem) is the lock that was waited for most: 4.00s in 9 waits; release has 100.0% of the blame\n");
	fixture_has(text, "          held by release\n");
	free(text);
	/* Most of what has the name is no lock: nobody holds it, and yet there is blame. */
	fixture_events_add(&r, &more);
	text = text_of(&r, 0);
	fixture_has(text, "little was waited for locks: 3.00s is blamed on who held one\n");
	fixture_has(text, "          acquire waits for end_thread\n");
	has_not(text, "held by");
	free(text);
	lsp_recording_uninit(&r);
}

/* Half of a lock's time is transit: the kernel's side says what it cannot see, and where that is to be seen. */
static void test_transit(void **state)
{
	static const char *const records[] = {
		"{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1}",
		"{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1,\"with_user\":true}",
		"{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1,\"with_user\":false,\"recorder\":{\"handoff_ns\":1}}",
	};
	struct fixture_events wait = { .function = "f", .lock = "busy", .count = 100, .ns = 4e9, .spurious = 25 };
	const struct fixture_events release = { .function = "f", .lock = "busy", .release = true, .count = 100, .ns = 2e9 };

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct lsp_recording r = { 0 };
		char *text;

		wait.spurious = i == 3 ? 1 : 25;
		fixture_events_add(&r, &wait);
		/* The last one is a block profile alone. */
		if (i < 5) {
			fixture_events_add(&r, &release);
			fixture_handoff_add(&r, "busy", i == 4 ? 0.4e9 : 2e9);
		}
		fixture_record_add(&r, records[i < 3 ? i : 0]);
		text = text_of(&r, 0);
		(i == 2 || i >= 4 ? has_not : fixture_has)(text, "nobody's blame");
		if (i == 0)
			fixture_has(text, "          50% of this is nobody's blame: the lock was released, and who had it next was not seen\n"
			    "          25% of the waits began again at once, because another thread had taken it in passing\n"
			    "          the kernel does not see who takes a free lock; record --with-user does\n");
		if (i == 1)
			fixture_has(text, "; lockspan compare shows what the program saw\n");
		if (i == 3)
			has_not(text, "in passing");
		free(text);
		lsp_recording_uninit(&r);
	}
}

/* Percentiles are those of one recording, and columns come only where there are any. */
static void test_percentiles(void **state)
{
	static const char record[] = "{\"format\":1,\"block_rate_ns\":1,\"mutex_fraction\":1,\"locks\":[{\"lock\":\"g_mu\","
		"\"block\":{\"kept\":100,\"delay_ns\":7000000000,\"interval\":\"exact\",\"p50_ns\":66000000,\"p99_ns\":99000000}}]}";
	struct lsp_recording r = { 0 };
	char *text;

	(void)state;
	fixture_recording(&r);
	fixture_record_add(&r, record);
	text = text_of(&r, 0);
	fixture_has(text, "   waited            waits       p50       p99 |    blamed | name");
	fixture_has(text, "    7.00s  85.4%       100    66.0ms    99.0ms |     6.80s | g_mu");
	fixture_has(text, "   1.00ms   0.0%         1         -         - |         0 | other_mu");
	free(text);
	fixture_record_add(&r, record);
	text = text_of(&r, 0);
	has_not(text, "p50");
	free(text);
	lsp_recording_uninit(&r);
}

/* What has not ended is said although it has no time; nothing is wider than the terminal. */
static void test_open_and_width(void **state)
{
	static const char name[] = "storage::engine::Table<std::allocator<int> >::update_in_place_with_everything(int)";
	const struct fixture_events more = { .function = name, .lock = name, .count = 1, .ns = 1e6 };
	struct lsp_recording r = { 0 };
	char *text, *line, *rest;

	(void)state;
	fixture_recording(&r);
	fixture_events_add(&r, &more);
	fixture_record_add(&r, fixture_record_exact);
	text = text_of(&r, 72);
	fixture_has(text, "stuck_mu  mutex\n          1 wait had not ended\n");
	for (rest = strstr(text, "\nLocks"); (line = strsep(&rest, "\n")); )
		if (strlen(line) > 72)
			fail_msg("%zu characters of 72: %s", strlen(line), line);
	free(text);
	lsp_recording_uninit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parties), cmocka_unit_test(test_order), cmocka_unit_test(test_why),
		cmocka_unit_test(test_thread_time),
		cmocka_unit_test(test_little), cmocka_unit_test(test_no_lock), cmocka_unit_test(test_one_name_for_two),
		cmocka_unit_test(test_transit),
		cmocka_unit_test(test_percentiles), cmocka_unit_test(test_open_and_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
