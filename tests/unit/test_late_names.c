// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names that come at the end. Would catch: sums that are lost, counted twice or
 * put to another lock when the name comes after them; a name that was told and
 * is not used; memory that grows with threads; a stack that was forgotten while
 * a row still speaks of it.
 * sources: user/collect/ user/collect/roles/ user/collect/roots/
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
 * sources: user/profile/estimate.c
 * sources: tests/unit/fixture_resolver.c user/resolve/trace.c
 * libs: -lprotobuf-c -lz -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/collector.h"
#include "fixture_resolver.h"

static struct lsp_collector *g_collector;
static uint64_t g_seq;

static void feed(const void *record)
{
	const struct lockspan_rec *rec = record;

	assert_int_equal(lsp_collector_feed(g_collector, 0, g_seq++, record, rec->bytes), 0);
}

static void feed_stack(uint64_t id, uint64_t rip)
{
	struct lockspan_stack s = {
		.rec = { .bytes = sizeof(s), .type = LOCKSPAN_REC_STACK }, .id = id, .tgid = 1,
	};

	s.regs[LOCKSPAN_REG_RIP] = rip;
	feed(&s);
}

static void feed_wait(uint32_t tid, uint64_t key, uint64_t uaddr, uint64_t stack)
{
	const struct lockspan_span s = {
		.rec = { .bytes = sizeof(s), .type = LOCKSPAN_REC_SPAN },
		.enq_ns = 1000, .wake_ns = 1100, .run_ns = 1107, .key = key, .end_key = key,
		.uaddr = uaddr, .stack = stack, .rate_ns = 1, .tgid = 1, .tid = tid, .depth = 1,
		.op = LOCKSPAN_OP_WAIT, .comm = "w",
	};

	feed(&s);
}

static void begin(void)
{
	const struct lsp_collector_options o = { .late_names = true };

	all_mapped = true;
	mapped_tgid = 0;
	g_seq = 0;
	assert_int_equal(lsp_collector_create(&o, &g_collector), 0);
}

struct sums {
	const char *lock;
	double count;
	size_t rows;
};

static int row_take(void *arg, const struct lsp_row *row)
{
	struct sums *s = arg;

	if (!strcmp(row->lock, s->lock)) {
		s->count += row->sums->estimate.count;
		s->rows++;
	}
	return 0;
}

static double waits_of(const char *lock)
{
	struct sums s = { .lock = lock };

	lsp_collector_rows(g_collector, row_take, &s);
	assert_true(s.rows <= 1);
	return s.count;
}

/* Told by another collector, after all events and several folds. */
static void names_are_told(void **state)
{
	struct lsp_collector_totals totals;

	(void)state;
	begin();
	feed_stack(10, RIP(MUTEX, 0));
	for (uint32_t tid = 1; tid <= 100; tid++) {
		feed_wait(tid, 5, 0x1000, 10);
		feed_wait(tid, 6, 0x2000, 10);
		if (tid % 10 == 0)
			assert_int_equal(lsp_collector_tick(g_collector), 0);
	}
	lsp_collector_totals(g_collector, &totals);
	assert_int_equal(totals.rows, 2);
	assert_int_equal(lsp_collector_birth_add(g_collector, 1, 0xff8, 40, "init@made"), 0);
	assert_int_equal(lsp_collector_birth_add(g_collector, 2, 0x2000, 40, "init@another's"), 0);
	assert_int_equal(lsp_collector_finish(g_collector), 0);
	assert_true(waits_of("init@made") == 100);
	assert_true(waits_of("init@another's") == 0);
	assert_true(waits_of("1:2000@1010") == 100);
	lsp_collector_destroy(g_collector);
}

/* Told by the stream's own records, which come last. */
static void names_are_recorded(void **state)
{
	struct lsp_rec_lock lock = {
		.rec = { sizeof(lock), LSP_REC_LOCK, 0 }, .key = 5, .uaddr = 0x1000, .stack = 20,
		.tgid = 1, .stack_tgid = 1, .object_bytes = 40,
	};

	(void)state;
	begin();
	feed_stack(10, RIP(MUTEX, 0));
	feed_wait(1, 5, 0x1000, 10);
	feed_wait(1, 7, 0x1000, 10);	/* another lock, later, at the same place */
	assert_int_equal(lsp_collector_tick(g_collector), 0);
	feed_stack(20, RIP(OTHER, 1));
	feed(&lock);
	assert_int_equal(lsp_collector_finish(g_collector), 0);
	assert_true(waits_of("init@1001") == 1);
	lsp_collector_destroy(g_collector);
}

/* More stacks than are kept where the module can be asked again: none of their rows may suffer. */
static void stacks_may_be_forgotten(void **state)
{
	const uint64_t n = 300000;
	struct lsp_collector_totals totals;

	(void)state;
	begin();
	for (uint64_t i = 1; i <= n; i++) {
		feed_stack(i, RIP(MUTEX, i % 8));
		feed_wait((uint32_t)i, 5, 0x1000, i);
		if (i % 10000 == 0)
			assert_int_equal(lsp_collector_tick(g_collector), 0);
	}
	assert_int_equal(lsp_collector_birth_add(g_collector, 1, 0x1000, 40, "init@made"), 0);
	assert_int_equal(lsp_collector_finish(g_collector), 0);
	lsp_collector_totals(g_collector, &totals);
	assert_int_equal(totals.unrecorded, 0);
	lsp_collector_destroy(g_collector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_told),
		cmocka_unit_test(names_are_recorded),
		cmocka_unit_test(stacks_may_be_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
