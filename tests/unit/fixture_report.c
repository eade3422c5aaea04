// SPDX-License-Identifier: GPL-2.0-only
#include "fixture_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static const struct lsp_profile_type ext_types[8] = {
	{ "contentions", "count" }, { "delay", "nanoseconds" }, { "sched_delay", "nanoseconds" },
	{ "handoff", "nanoseconds" }, { "hold", "nanoseconds" }, { "spurious", "count" },
	{ "waiters", "count" }, { "depth", "count" },
};

static void parts_create(struct lsp_recording *r)
{
	if (r->parts[LSP_PART_BLOCK])
		return;
	r->parts[LSP_PART_BLOCK] = lsp_profile_create(lsp_profile_contention_types, 2);
	r->parts[LSP_PART_MUTEX] = lsp_profile_create(lsp_profile_contention_types, 2);
	r->parts[LSP_PART_EXT] = lsp_profile_create(ext_types, 8);
	for (int i = 0; i < LSP_PART_COUNT; i++)
		assert_non_null(r->parts[i]);
	assert_int_equal(lsp_profile_comment_add(r->parts[LSP_PART_BLOCK],
		"lockspan block profile: block rate 1 ns, mutex fraction 1, min delay 0 ns"), 0);
	assert_int_equal(lsp_profile_comment_add(r->parts[LSP_PART_MUTEX],
		"lockspan mutex profile: block rate 1 ns, mutex fraction 1, min delay 0 ns"), 0);
}

static uint64_t frame(struct lsp_profile *p, const char *function, const char *file, long long n)
{
	const struct lsp_profile_line line = {
		.function = function, .system_name = function, .file = file, .line = n,
	};
	int64_t id = lsp_profile_location_add(p, 0, 0, &line, 1);

	assert_true(id > 0);
	return (uint64_t)id;
}

static void sample(struct lsp_profile *p, const struct fixture_events *e, const double *values)
{
	struct lsp_profile_label labels[7] = {
		{ .key = "lock", .str = e->lock }, { .key = "kind", .str = e->release ? "mutex" : "block" },
		{ .key = "sync", .str = e->sync ? e->sync : "mutex" },
		{ .key = "comm", .str = e->comm ? e->comm : "prog" },
	};
	size_t n = 4;
	uint64_t stack[3] = {
		frame(p, e->leaf ? e->leaf : e->release ? "pthread_mutex_unlock" : "pthread_mutex_lock", "", 0),
		frame(p, e->function, "/src/prog.c", e->line), frame(p, "main", "/src/prog.c", 1),
	};

	if (e->role)
		labels[n++] = (struct lsp_profile_label){ .key = "role", .str = e->role };
	if (e->why)
		labels[n++] = (struct lsp_profile_label){ .key = "why", .str = e->why };
	if (e->pid)
		labels[n++] = (struct lsp_profile_label){ .key = "pid", .num = e->pid, .unit = "id" };
	assert_int_equal(lsp_profile_sample_add(p, stack, 3, labels, n, values), 0);
}

void fixture_events_add(struct lsp_recording *r, const struct fixture_events *e)
{
	const double plain[2] = { e->count, e->ns };
	const double ext[8] = {
		e->count, e->release ? 0 : e->ns, e->sched_ns, 0, e->release ? e->ns : 0, e->spurious,
		e->release ? e->queue * e->count : 0, e->release ? 0 : e->queue * e->count,
	};
	bool lock = e->role ? !strcmp(e->role, "lock") : !e->sync || !strcmp(e->sync, "mutex") || !strncmp(e->sync, "rwlock", 6);

	parts_create(r);
	if (!e->release || lock)
		sample(r->parts[e->release ? LSP_PART_MUTEX : LSP_PART_BLOCK], e, plain);
	sample(r->parts[LSP_PART_EXT], e, ext);
}

void fixture_handoff_add(struct lsp_recording *r, const char *lock, double ns)
{
	const struct lsp_profile_label labels[2] = {
		{ .key = "lock", .str = lock }, { .key = "kind", .str = "handoff" },
	};
	const double values[8] = { 0, 0, 0, ns };
	uint64_t stack;

	parts_create(r);
	stack = frame(r->parts[LSP_PART_EXT], "[handoff]", "", 0);
	assert_int_equal(lsp_profile_sample_add(r->parts[LSP_PART_EXT], &stack, 1, labels, 2, values), 0);
}

void fixture_given_up_add(struct lsp_recording *r, const char *lock, double count, double ns)
{
	const struct lsp_profile_label labels[3] = {
		{ .key = "lock", .str = lock }, { .key = "kind", .str = "given_up" },
		{ .key = "sync", .str = "mutex" },
	};
	const double values[2] = { count, ns };
	uint64_t stack;

	parts_create(r);
	stack = frame(r->parts[LSP_PART_MUTEX], "[given up]", "", 0);
	assert_int_equal(lsp_profile_sample_add(r->parts[LSP_PART_MUTEX], &stack, 1, labels, 3, values), 0);
}

void fixture_record_add(struct lsp_recording *r, const char *text)
{
	char why[128] = "";

	if (lsp_facts_add_record(&r->facts, text, why, sizeof(why)))
		fail_msg("record.json: %s", why);
}

void fixture_recording(struct lsp_recording *r)
{
	static const struct fixture_events events[] = {
		{ .function = "fast_update", .line = 61, .lock = "g_mu", .count = 100, .ns = 7000e6,
		  .sched_ns = 50e6, .spurious = 3, .queue = 4 },
		{ .function = "fast_update", .line = 62, .lock = "other_mu", .count = 1, .ns = 1e6,
		  .sched_ns = 1e6, .queue = 1 },
		{ .function = "wait_all", .leaf = "pthread_join", .line = 9, .lock = "stack@main", .sync = "join",
		  .comm = "main", .count = 2, .ns = 1200e6, .queue = 1 },
		{ .release = true, .function = "slow_update", .line = 44, .lock = "g_mu", .comm = "slow",
		  .count = 10, .ns = 6700e6, .queue = 8 },
		{ .release = true, .function = "fast_update", .line = 66, .lock = "g_mu", .count = 90,
		  .ns = 100e6, .queue = 3 },
		{ .release = true, .function = "start_thread", .leaf = "exit_thread", .lock = "stack@main",
		  .sync = "join", .count = 2, .ns = 1200e6, .queue = 1 },
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		fixture_events_add(r, &events[i]);
	fixture_handoff_add(r, "g_mu", 200e6);
}

#define RECORD_HEAD \
	"{\"format\":1,\"kernel\":\"6.1\",\"begun\":\"2026-01-02T03:04:05Z\"," \
	"\"command\":[\"./prog\",\"-x\\u001b[31m\"],\"duration_ns\":2000000000," \
	"\"exact\":{\"contentions\":103,\"delay_ns\":8201000000,\"releases\":102," \
	"\"hold_ns\":8000000000,\"handoff_ns\":200000000,\"tail_ns\":1000000}," \
	"\"counters\":{\"sched_delay_ns\":51000000,\"open\":1,\"open_wait_ns\":5000000}," \
	"\"probes\":[{\"name\":\"start\",\"missed\":2}],"
#define RECORD_OPEN \
	"\"open_waits\":[{\"waits\":1,\"longest_ns\":5000000,\"lock\":\"stuck_mu\",\"sync\":\"mutex\"," \
	"\"comm\":\"prog\",\"pid\":7,\"stack\":[\"pthread_mutex_lock\",\"stuck\",\"main\"]}]}"

const char fixture_record_exact[] = RECORD_HEAD
	"\"block_rate_ns\":1,\"mutex_fraction\":1,\"partial\":false,\"partial_reasons\":[],"
	RECORD_OPEN;

const char fixture_record_sampled[] = RECORD_HEAD
	"\"block_rate_ns\":1000000,\"mutex_fraction\":4,\"partial\":true,"
	"\"partial_reasons\":[\"12 waits found no room\"],\"notes\":[\"1 event came without a stack\"],"
	"\"locks\":[{\"lock\":\"g_mu\",\"sync\":\"mutex\","
	"\"block\":{\"kept\":99,\"delay_ns\":7000000000.0,\"interval\":\"95%\",\"low_ns\":6600000000,\"high_ns\":7300000000},"
	"\"mutex\":{\"kept\":25,\"delay_ns\":6800000000.0,\"interval\":\"too few\"}}],"
	"\"stacks\":[{\"stack\":[\"pthread_mutex_lock\",\"fast_update\",\"main\"],\"sync\":\"mutex\","
	"\"block\":{\"kept\":99,\"delay_ns\":7000000000.0,\"interval\":\"95%\",\"low_ns\":6600000000,\"high_ns\":7300000000},"
	"\"mutex\":{\"kept\":0,\"delay_ns\":0,\"interval\":\"exact\"}},"
	"{\"stack\":[\"pthread_mutex_lock\",\"fast_update\",\"main\"],\"sync\":\"mutex\","
	"\"block\":{\"kept\":1,\"delay_ns\":1000000.0,\"interval\":\"exact\"},"
	"\"mutex\":{\"kept\":0,\"delay_ns\":0,\"interval\":\"exact\"}}],"
	RECORD_OPEN;

const struct lsp_table_row *fixture_row(const struct lsp_table *t, const char *name)
{
	const struct lsp_table_row *row = lsp_table_find(t, name);

	if (!row)
		fail_msg("no row %s", name);
	return row;
}

void fixture_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}
