// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: events lost or counted twice on their way from records to rows
 * and profiles, whatever the order of stacks, mappings and events; a release
 * blamed that semantics exempts, or classed by something other than its own
 * stack and then its lock; open waits and handoff in the wrong file; a pid
 * label where there is one process; memory that grows with events; sums of a
 * thread that are another's; a window that stays too small for a process.
 *
 * Resolution is played here: a stack's rip says what it is.
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
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/collector.h"
#include "../../user/results/profiles.h"
#include "../../user/collect/threads.h"
#include "fixture_collector.h"
#include "fixture_resolver.h"

static void sums_reach_the_summary(void **state)
{
	struct lsp_profiles_summary s;
	struct lockspan_span w;
	struct lockspan_release r;
	struct feeder f;

	(void)state;
	begin(&f);
	feed_stack(&f, 1, 10, RIP(MUTEX, 0));
	feed_stack(&f, 1, 20, RIP(MUTEX, 1));
	for (int i = 0; i < 10; i++) {
		w = span(10, 5, 100);
		w.handoff_ns = 3;
		feed(&f, &w);
		r = release(20, 5, 60);
		r.handoff_ns = 4;
		feed(&f, &r);
	}
	w.outcome = LOCKSPAN_NOSLEEP;	/* in no profile, but its handoff is somebody's time */
	feed(&f, &w);
	w.outcome = LOCKSPAN_OPEN;
	w.wake_ns = 0;
	w.run_ns = 51000;
	feed(&f, &w);
	finish(&f, &s);
	assert_int_equal(s.block.estimate.kept, 10);
	assert_true(s.block.estimate.delay_ns == 1000);
	assert_true(s.mutex.estimate.delay_ns == 600);
	assert_int_equal(s.mutex.estimate.kept, 10);
	assert_int_equal(s.other.estimate.kept, 0);
	assert_int_equal(s.open.estimate.kept, 1);
	assert_true(s.open.estimate.delay_ns == 50000);
	assert_true(s.handoff_ns == 10 * 3 + 10 * 4 + 2 * 3);
	assert_int_equal(s.block.ends[LSP_END_COMPLETE], 10);
	lsp_collector_destroy(f.c);
}

/* Each has its own; releases of what is no lock are no blame. */
static void threads_have_sums(void **state)
{
	const struct lsp_thread *t = NULL, *one;
	const struct lsp_threads *all;
	struct lsp_profiles_summary s;
	struct lockspan_release r;
	struct lockspan_span w;
	struct feeder f;

	(void)state;
	begin(&f);
	feed_stack(&f, 1, 10, RIP(MUTEX, 0));
	feed_stack(&f, 1, 20, RIP(MUTEX, 1));
	feed_stack(&f, 1, 30, RIP(COND, 1));
	for (int i = 0; i < 6; i++) {
		w = span(10, 5, 100);
		w.tid = 1 + i % 2;
		feed(&f, &w);
		r = release(i < 4 ? 20 : 30, 5, 60);
		r.tid = 2;
		feed(&f, &r);
	}
	w.outcome = LOCKSPAN_OPEN;
	w.wake_ns = 0;
	w.run_ns = 51000;
	feed(&f, &w);
	finish(&f, &s);
	all = lsp_collector_threads(f.c);
	assert_int_equal(all->n, 2);
	for (size_t i = 0; i < 2; i++) {
		one = &all->threads[i];
		assert_true(one->waits == 3 && one->waited_ns == 300 && one->late_ns == 21);
		assert_int_equal(one->tgid, 1);
		t = one->tid == 2 ? one : t;
	}
	assert_non_null(t);
	assert_true(t->releases == 4 && t->blamed_ns == 240);
	assert_true(t->open == 1 && t->open_longest_ns == 50000);
	lsp_collector_destroy(f.c);
}

/* A process whose stacks are cut by the window or at an absent page is named once, as soon as that is known. */
static void long_stacks_are_told(void **state)
{
	struct lockspan_stack stack = {
		.rec = { .bytes = sizeof(stack), .type = LOCKSPAN_REC_STACK, .flags = LOCKSPAN_STACK_FULL },
		.tgid = 1, .mode = LOCKSPAN_STACK_SPARSE,
	};
	struct lockspan_span w = span(10, 5, 100);
	uint32_t tgids[3];
	struct feeder f;

	(void)state;
	begin(&f);
	/* a full window that was not enough, a cut one, a full one that was enough */
	for (int i = 0; i < 3; i++) {
		stack.id = w.stack = (uint64_t)(11 + i);
		stack.tgid = w.tgid = (uint32_t)(1 + i);
		stack.rec.flags = i == 1 ? LOCKSPAN_STACK_CUT : LOCKSPAN_STACK_FULL;
		stack.regs[LOCKSPAN_REG_RIP] = RIP(MUTEX, 0) | (i < 2 ? 8 : 0);
		feed(&f, &stack);
		feed(&f, &w);
	}
	assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_int_equal(lsp_collector_deep(f.c, tgids, 3), 2);
	assert_int_equal(tgids[0] + tgids[1], 1 + 2);
	assert_int_equal(lsp_collector_deep(f.c, tgids, 3), 0);
	lsp_collector_destroy(f.c);
}

static void stacks_and_mappings_may_be_late(void **state)
{
	struct lockspan_span w = span(10, 5, 100);
	struct {
		struct lockspan_map m;
		char path[16];
	} map = { .m = { .rec = { .bytes = sizeof(map), .type = LOCKSPAN_REC_MAP }, .tgid = 1 },
		  .path = "/bin/prog" };
	struct lsp_profiles_summary s;
	uint64_t ids[4];
	struct feeder f;

	(void)state;
	begin(&f);
	all_mapped = false;
	feed(&f, &w);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	/* Its stack is asked for after half a second, and not at once again. */
	assert_int_equal(lsp_collector_stacks_missing(f.c, 1107 + 400000000, ids, 4), 0);
	assert_int_equal(lsp_collector_stacks_missing(f.c, 1107 + 600000000, ids, 4), 1);
	assert_int_equal(ids[0], 10);
	assert_int_equal(lsp_collector_stacks_missing(f.c, 1107 + 700000000, ids, 4), 0);
	assert_int_equal(lsp_collector_stacks_missing(f.c, 1107 + 1700000000, ids, 4), 1);
	feed_stack(&f, 1, 10, RIP(MUTEX, 0));
	assert_int_equal(lsp_collector_stacks_missing(f.c, UINT64_MAX / 2, ids, 4), 0);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_int_equal(stacks_resolved, 0);
	lsp_profiles_summary(f.c, &s);
	assert_int_equal(s.block.estimate.kept, 0);

	feed(&f, &map);
	feed(&f, &w);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_int_equal(stacks_resolved, 1);
	lsp_profiles_summary(f.c, &s);
	assert_int_equal(s.block.estimate.kept, 2);
	assert_int_equal(s.block.ends[LSP_END_COMPLETE], 2);
	/* Mapped, but the stack is late: not resolved to nothing before its time. */
	w.stack = 11;
	feed(&f, &w);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	feed_stack(&f, 1, 11, RIP(MUTEX, 1));
	finish(&f, &s);
	assert_int_equal(s.block.ends[LSP_END_COMPLETE], 3);
	lsp_collector_destroy(f.c);
}

/* What never came is in the profile all the same, with a stack that says so. */
static void nothing_is_dropped_at_the_end(void **state)
{
	struct lsp_profiles_summary s;
	struct lockspan_span w;
	struct feeder f;

	(void)state;
	begin(&f);
	all_mapped = false;
	w = span(10, 5, 100);
	feed(&f, &w);			/* no stack */
	w = span(0, 5, 100);
	feed(&f, &w);			/* none taken */
	feed_stack(&f, 1, 11, RIP(MUTEX, 0));
	w = span(11, 5, 100);
	feed(&f, &w);			/* no mappings */
	finish(&f, &s);
	assert_int_equal(s.block.estimate.kept, 3);
	assert_int_equal(s.block.ends[LSP_END_NONE], 2);
	assert_int_equal(s.block.ends[LSP_END_NO_MAP], 1);
	lsp_collector_destroy(f.c);
}

struct found {
	const char *lock;
	enum lsp_sync sync;
	int rows;
};

static int mutex_row(void *arg, const struct lsp_row *row)
{
	struct found *found = arg;

	if (row->kind != LSP_ROW_MUTEX)
		return 0;
	found->lock = row->lock;
	found->sync = row->sync;
	found->rows++;
	return 0;
}

/* Class and flags of one release, and whether the mutex profile has it. */
static bool blamed(uint64_t rip, uint16_t flags, uint8_t op, uint64_t waiters_rip,
		   enum lsp_sync *sync_ret)
{
	struct lockspan_release r = release(20, 5, 60);
	struct lockspan_span w = span(10, 5, 100);
	struct lsp_profiles_summary s;
	struct found found = { 0 };
	struct feeder f;

	begin(&f);
	feed_stack(&f, 1, 10, waiters_rip);
	feed_stack(&f, 1, 20, rip);
	r.rec.flags = flags;
	r.op = op;
	feed(&f, &r);
	if (waiters_rip)
		feed(&f, &w);
	finish(&f, &s);
	assert_int_equal(s.mutex.estimate.kept + s.other.estimate.kept, 1);
	lsp_collector_rows(f.c, mutex_row, &found);
	assert_int_equal(found.rows, 1);
	*sync_ret = found.sync;
	lsp_collector_destroy(f.c);
	return s.mutex.estimate.kept;
}

static void blame_is_for_locks_alone(void **state)
{
	enum lsp_sync sync;

	(void)state;
	assert_true(blamed(RIP(MUTEX, 0), 0, LOCKSPAN_OP_WAIT, RIP(COND, 0), &sync));
	assert_int_equal(sync, LSP_SYNC_MUTEX);
	assert_true(blamed(RIP(RWLOCK_RD, 0), 0, LOCKSPAN_OP_WAIT, RIP(RWLOCK_WR, 0), &sync));
	assert_int_equal(sync, LSP_SYNC_RWLOCK_RD);
	assert_false(blamed(RIP(COND, 0), 0, LOCKSPAN_OP_WAIT, RIP(MUTEX, 0), &sync));
	assert_false(blamed(RIP(SEM, 0), 0, LOCKSPAN_OP_WAIT, RIP(SEM, 0), &sync));
	assert_false(blamed(RIP(BARRIER, 0), 0, LOCKSPAN_OP_WAIT, RIP(BARRIER, 0), &sync));
	assert_false(blamed(RIP(ONCE, 0), 0, LOCKSPAN_OP_WAIT, RIP(ONCE, 0), &sync));
	assert_false(blamed(RIP(RUNTIME, 0), 0, LOCKSPAN_OP_WAIT, RIP(RUNTIME, 0), &sync));
	/* Its stack does not tell: the waiters' class. */
	assert_true(blamed(RIP(OTHER, 0), 0, LOCKSPAN_OP_WAIT, RIP(MUTEX, 0), &sync));
	assert_int_equal(sync, LSP_SYNC_MUTEX);
	assert_false(blamed(RIP(OTHER, 0), 0, LOCKSPAN_OP_WAIT, RIP(COND, 0), &sync));
	assert_false(blamed(RIP(OTHER, 0), 0, LOCKSPAN_OP_WAIT, RIP(OTHER, 0), &sync));
	/* A thread's end is nobody's fault, whatever its stack. */
	assert_false(blamed(RIP(MUTEX, 0), LOCKSPAN_RELEASE_JOIN, LOCKSPAN_OP_WAIT, RIP(JOIN, 0), &sync));
	assert_int_equal(sync, LSP_SYNC_JOIN);
	/* Priority inheritance shows in the operation. */
	assert_true(blamed(RIP(OTHER, 0), 0, LOCKSPAN_OP_LOCK_PI2, RIP(OTHER, 1), &sync));
	assert_int_equal(sync, LSP_SYNC_PI);
	assert_true(blamed(RIP(OTHER, 0), LOCKSPAN_RELEASE_PI, LOCKSPAN_OP_WAIT, RIP(OTHER, 1), &sync));
	/* From an interrupt: a bystander's stack must not class it. */
	assert_false(blamed(RIP(MUTEX, 0), LOCKSPAN_RELEASE_IRQ, LOCKSPAN_OP_WAIT, RIP(COND, 0), &sync));
	assert_true(blamed(RIP(COND, 0), LOCKSPAN_RELEASE_IRQ, LOCKSPAN_OP_WAIT, RIP(MUTEX, 0), &sync));
}

/* One wait that tells the lock's class outweighs many that do not. */
static void unknown_waits_do_not_class_a_lock(void **state)
{
	struct lockspan_release r = release(20, 5, 60);
	struct lsp_profiles_summary s;
	struct feeder f;

	(void)state;
	begin(&f);
	feed_stack(&f, 1, 10, RIP(OTHER, 0));
	feed_stack(&f, 1, 11, RIP(MUTEX, 0));
	feed_stack(&f, 1, 20, RIP(OTHER, 1));
	for (int i = 0; i < 9; i++) {
		struct lockspan_span w = span(i ? 10 : 11, 5, 100);

		feed(&f, &w);
	}
	feed(&f, &r);
	finish(&f, &s);
	assert_int_equal(s.mutex.estimate.kept, 1);
	lsp_collector_destroy(f.c);
}

static int names_equal(void *arg, const struct lsp_row *row)
{
	const char **name = arg;

	if (!*name)
		*name = row->lock;
	assert_string_equal(row->lock, *name);
	return 0;
}

/* By the stack that waited most, in every row, and in the waiter's process. */
static void a_lock_has_one_name(void **state)
{
	struct lockspan_release r = release(20, 5, 60);
	struct lsp_profiles_summary s;
	const char *name = NULL;
	struct feeder f;

	(void)state;
	begin(&f);
	feed_stack(&f, 2, 20, RIP(MUTEX, 1));
	feed_stack(&f, 1, 10, RIP(MUTEX, 2));
	feed_stack(&f, 1, 11, RIP(MUTEX, 3));
	r.tgid = 2;
	feed(&f, &r);
	for (int i = 0; i < 5; i++) {
		struct lockspan_span w = span(i % 2 ? 10 : 11, 5, i % 2 ? 1000 : 10);

		feed(&f, &w);
	}
	finish(&f, &s);
	lsp_collector_rows(f.c, names_equal, &name);
	assert_string_equal(name, "1:28@1012");
	lsp_collector_destroy(f.c);
}

static bool has_label(const struct lsp_profile *p, const char *key, const char *value)
{
	struct lsp_profile_sample s;
	bool has = false;

	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++)
		for (size_t k = 0; k < s.nlabels; k++)
			has |= !strcmp(s.labels[k].key, key) &&
			       (!value || (s.labels[k].str && !strcmp(s.labels[k].str, value)));
	return has;
}

static double total(const struct lsp_profile *p, size_t column)
{
	struct lsp_profile_sample s;
	double sum = 0;

	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++)
		sum += s.values[column];
	return sum;
}

static double column_total(const struct lsp_profile *p, const char *type)
{
	for (size_t i = 0; i < lsp_profile_types(p); i++)
		if (!strcmp(lsp_profile_type(p, i)->type, type))
			return total(p, i);
	fail_msg("no column %s", type);
	return 0;
}

static void profiles_of(uint32_t tgids, struct lsp_profiles *ret)
{
	const struct lsp_profiles_facts facts = { .time_ns = 1, .rates = { .block_rate_ns = 1, .mutex_fraction = 1 } };
	struct feeder f;

	begin(&f);
	for (uint32_t tgid = 1; tgid <= tgids; tgid++) {
		struct lockspan_span w = span(10, 5, 100);
		struct lockspan_release r = release(20, 5, 60);
		struct lockspan_span open = span(10, 6, 0);

		feed_stack(&f, tgid, 10, RIP(COND, 0));
		feed_stack(&f, tgid, 20, RIP(RWLOCK_WR, 1));
		w.tgid = tgid;
		w.handoff_ns = 9;
		w.depth = 4;
		r.tgid = tgid;
		open.outcome = LOCKSPAN_OPEN;
		open.tgid = tgid;
		feed(&f, &w);
		w.rec.flags = LOCKSPAN_SPAN_REWAIT;
		feed(&f, &w);
		feed(&f, &r);
		feed(&f, &open);
		/* In the extended file only, and but for its handoff in none. */
		feed_stack(&f, tgid, 30, RIP(SEM, 2));
		r.stack = 30;
		strcpy(r.comm, "poster");
		feed(&f, &r);
		w.outcome = LOCKSPAN_NOSLEEP;
		strcpy(w.comm, "awake");
		feed(&f, &w);
	}
	assert_int_equal(lsp_collector_finish(f.c), 0);
	assert_int_equal(lsp_profiles_create(f.c, &facts, ret), 0);
	lsp_collector_destroy(f.c);
}

static void profiles_have_what_semantics_says(void **state)
{
	struct lsp_profiles p;

	(void)state;
	profiles_of(1, &p);
	assert_int_equal(lsp_profile_types(p.block), 2);
	assert_int_equal(lsp_profile_types(p.mutex), 2);
	assert_true(total(p.block, 0) == 2 && total(p.block, 1) == 200);
	assert_true(total(p.mutex, 0) == 1 && total(p.mutex, 1) == 60);
	assert_true(column_total(p.ext, "delay") == 200);
	assert_true(column_total(p.ext, "sched_delay") == 14);
	assert_true(column_total(p.ext, "handoff") == 27);
	assert_true(column_total(p.ext, "hold") == 120);
	assert_true(column_total(p.ext, "spurious") == 1);
	assert_true(column_total(p.ext, "waiters") == 4);
	assert_true(column_total(p.ext, "depth") == 8);
	assert_true(has_label(p.block, "kind", "block") && !has_label(p.block, "kind", "mutex"));
	assert_true(has_label(p.mutex, "kind", "mutex") && !has_label(p.mutex, "kind", "block"));
	assert_true(has_label(p.block, "sync", "cond") && has_label(p.mutex, "sync", "rwlock_wr"));
	assert_true(has_label(p.block, "comm", "w") && has_label(p.mutex, "comm", "r"));
	assert_true(has_label(p.block, "lock", "1:28@1040"));
	assert_true(has_label(p.ext, "kind", "handoff"));
	assert_false(has_label(p.block, "pid", NULL));
	assert_true(has_label(p.ext, "comm", "poster") && !has_label(p.mutex, "comm", "poster"));
	assert_false(has_label(p.block, "comm", "awake") || has_label(p.ext, "comm", "awake"));
	lsp_profiles_destroy(&p);

	profiles_of(2, &p);
	assert_true(has_label(p.block, "pid", NULL) && has_label(p.mutex, "pid", NULL));
	assert_true(total(p.block, 1) == 400);
	lsp_profiles_destroy(&p);
}

/* A stack a name, as in raw mode: 300,000 events, four stacks in truth; and one that comes late. */
static void memory_is_by_stacks_not_events(void **state)
{
	struct lsp_collector_totals t;
	struct lsp_profiles_summary s;
	struct lockspan_span late;
	struct feeder f;

	(void)state;
	begin(&f);
	late = span(7777777, 1, 10);
	for (uint64_t i = 1; i <= 300000; i++) {
		struct lockspan_span w = span(i, i % 3, 10);

		if (i == 1000)		/* not where it would stay in its place anyway */
			feed(&f, &late);
		feed_stack(&f, 1, i, RIP(MUTEX, i % 4));
		feed(&f, &w);
	}
	feed_stack(&f, 1, 7777777, RIP(MUTEX, 5));
	finish(&f, &s);
	lsp_collector_totals(f.c, &t);
	assert_true(s.block.estimate.delay_ns == 3000010);
	assert_int_equal(s.block.estimate.kept, 300001);
	assert_int_equal(s.block.ends[LSP_END_COMPLETE], 300001);
	assert_int_equal(t.traces, 5);
	assert_int_equal(t.rows, 13);
	assert_true(t.stacks < 200000);
	assert_int_equal(t.unrecorded, 0);
	lsp_collector_destroy(f.c);
}

/* Locks that come and go: they are forgotten, what was waited on them is not. */
static void locks_that_are_gone_are_forgotten(void **state)
{
	struct lsp_collector_totals t;
	struct lsp_profiles_summary s;
	struct feeder f;
	double top_ns;

	(void)state;
	begin(&f);
	feed_stack(&f, 1, 10, RIP(MUTEX, 0));
	feed_stack(&f, 1, 20, RIP(OTHER, 0));
	for (uint64_t i = 1; i <= 600000; i++) {
		struct lockspan_span w = span(10, i, 10);
		struct lockspan_release r = release(20, i % 4 + 1, 5);

		w.uaddr = i % 2 ? 8 : 16;
		feed(&f, &w);
		if (i <= 600)
			feed(&f, &r);
	}
	finish(&f, &s);
	lsp_collector_totals(f.c, &t);
	assert_true(t.locks < 200000);
	assert_true(s.block.estimate.delay_ns == 6000000);
	/* Locks 1 to 4 class their releases still. */
	assert_int_equal(s.mutex.estimate.kept, 600);
	lsp_collector_top(f.c, &top_ns);
	assert_true(top_ns >= 2900000 && top_ns <= 3100000);
	lsp_collector_destroy(f.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_reach_the_summary),
		cmocka_unit_test(threads_have_sums),
		cmocka_unit_test(long_stacks_are_told),
		cmocka_unit_test(stacks_and_mappings_may_be_late),
		cmocka_unit_test(nothing_is_dropped_at_the_end),
		cmocka_unit_test(blame_is_for_locks_alone),
		cmocka_unit_test(unknown_waits_do_not_class_a_lock),
		cmocka_unit_test(a_lock_has_one_name),
		cmocka_unit_test(profiles_have_what_semantics_says),
		cmocka_unit_test(memory_is_by_stacks_not_events),
		cmocka_unit_test(locks_that_are_gone_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
