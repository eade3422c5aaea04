// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: the sums of an event added to those of another that is only
 * like it, where the collector remembers which row the last ones went to.
 *
 * sources: user/collect/ user/collect/roles/ user/collect/roots/
 * sources: user/results/profiles.c user/results/unblamed.c user/results/why.c user/results/losses.c
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
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
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/collector.h"
#include "../../user/results/profiles.h"
#include "../../user/collect/recent.h"
#include "fixture_collector.h"
#include "fixture_resolver.h"

/* Two events that differ in one thing alone are two rows, however often they take turns. */
static void events_alike_in_all_but_one(void **state)
{
	struct lockspan_release r[8];
	struct lockspan_span w[10];
	struct lsp_collector_totals t;
	struct lsp_profiles_summary s;
	struct feeder f;

	(void)state;
	begin(&f);
	for (int i = 0; i < 10; i++) {
		w[i] = span(10, 5, 100);
		strcpy(w[i].comm, "worker-thread-1");
	}
	w[1].stack = 11;
	w[2].uaddr++;
	w[3].key++;
	w[4].tgid++;
	w[5].tid++;
	w[6].comm[0]++;
	w[7].comm[LOCKSPAN_COMM_LEN - 2]++;
	w[8].outcome = LOCKSPAN_TIMEOUT;
	w[9].rec.flags = LOCKSPAN_SPAN_JOIN;
	for (int i = 0; i < 8; i++)
		r[i] = release(10, 5, 60);
	r[1].stack = 11;
	r[2].key++;
	r[3].tid++;
	r[4].waiter_tgid++;
	r[5].comm[0]++;
	r[6].rec.flags = LOCKSPAN_RELEASE_IRQ;
	r[7].op = LOCKSPAN_OP_LOCK_PI;
	for (int round = 1; round <= 4; round++) {
		for (int i = 0; i < 10; i++)
			feed(&f, &w[i]);
		for (int i = 0; i < 8; i++)
			feed(&f, &r[i]);
		lsp_collector_totals(f.c, &t);
		assert_int_equal(t.rows, 18);
		/* Nothing resolves yet, so all rows wait on; but they have moved. */
		if (round == 2)
			assert_int_equal(lsp_collector_tick(f.c), 0);
	}
	for (uint64_t i = 10; i < 12; i++) {
		feed_stack(&f, 1, i, RIP(MUTEX, i - 10));
		feed_stack(&f, 2, i, RIP(MUTEX, i - 10));
	}
	finish(&f, &s);
	assert_int_equal(s.block.estimate.kept, 40);
	assert_int_equal(s.mutex.estimate.kept + s.other.estimate.kept, 32);
	assert_int_equal(lsp_collector_outcomes(f.c)[LOCKSPAN_WOKEN].kept, 36);
	assert_int_equal(lsp_collector_outcomes(f.c)[LOCKSPAN_TIMEOUT].kept, 4);
	assert_true(lsp_collector_outcomes(f.c)[LOCKSPAN_TIMEOUT].delay_ns == 400);
	lsp_collector_destroy(f.c);
}

static const struct lsp_recent_slot *slot_of(struct lsp_recent *r, const struct lsp_recent_event *e)
{
	return lsp_recent_at(r, e->stack, e->key, e->tid, e->kind);
}

/* The same for what decides where an event is remembered: looks for others that come to the same place. */
static void events_that_share_a_slot(void **state)
{
	struct lsp_recent recent;
	struct lsp_collector_totals t;
	struct feeder f;

	(void)state;
	assert_int_equal(lsp_recent_init(&recent), 0);
	for (int field = 0; field < 3; field++) {
		struct lockspan_span a = span(10, 5, 100), b;
		struct lsp_recent_event of_a = { .stack = 10, .key = 5, .tid = 1 }, of_b = of_a;
		uint32_t n = 1;

		do {
			of_b.stack = 10 + (field == 0 ? n : 0);
			of_b.key = 5 + (field == 1 ? n : 0);
			of_b.tid = 1 + (field == 2 ? n : 0);
			n++;
		} while (slot_of(&recent, &of_a) != slot_of(&recent, &of_b));
		b = a;
		b.stack = of_b.stack;
		b.key = of_b.key;
		b.tid = of_b.tid;
		begin(&f);
		for (int i = 0; i < 4; i++)
			feed(&f, i % 2 ? &b : &a);
		lsp_collector_totals(f.c, &t);
		assert_int_equal(t.rows, 2);
		lsp_collector_destroy(f.c);
	}
	lsp_recent_uninit(&recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_alike_in_all_but_one),
		cmocka_unit_test(events_that_share_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
