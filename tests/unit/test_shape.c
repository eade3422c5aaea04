// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/report/ user/report/why/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * Shapes of contention, on sums made up for each rule: the shape is named on
 * them, and not any more when one number falls short of its threshold. Would
 * catch a rule that has lost a condition, a threshold other than documented, a
 * shape that another one hides, and names that are guessed from nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../user/report/shape_words.h"
#include "fixture_report.h"

#define MS 1e6
#define NONE LSP_SHAPE_COUNT

/* A recording of 10 s with one lock. */
struct lock {
	const char *lock, *waiter;
	struct lsp_shape_waits mutex, read, write, signal;
	double late_ns, spurious, queue, handoff_ns;
	struct lsp_shape_releaser releasers[2];
	double others_in_ns, locks_ns;
};

static enum lsp_shape_kind judged(const struct lock *l)
{
	struct lsp_shape_releaser releasers[2] = { l->releasers[0], l->releasers[1] };
	double waits = l->mutex.count + l->read.count + l->write.count + l->signal.count;
	struct lsp_shape_lock lock = {
		.lock = l->lock ? l->lock : "mu", .waiter = l->waiter ? l->waiter : "f",
		.waits = { l->mutex, l->read, l->write, l->signal },
		.late_ns = l->late_ns * waits, .spurious = l->spurious, .depth = l->queue * waits,
		.handoff_ns = l->handoff_ns, .releasers = releasers, .nreleasers = 2,
		.locks_ns = l->locks_ns,
	};
	struct lsp_shape shape;

	releasers[0].site = "a";
	releasers[1].site = "b";
	return lsp_shape_judge(&lock, 10e9, l->others_in_ns, &shape) ? shape.kind : NONE;
}

static void holds(const struct lock *l, enum lsp_shape_kind want)
{
	enum lsp_shape_kind got = judged(l);

	if (got != want)
		fail_msg("it is %s, not %s", got == NONE ? "nothing" : lsp_shape_names[got],
			 want == NONE ? "nothing" : lsp_shape_names[want]);
}

/* @base is @kind; with @field changed to @value it is @then. */
#define CHANGED(base, field, value, then) do { \
	struct lock changed = base; \
	changed.field = value; \
	holds(&changed, then); \
} while (0)

static void test_slow_holder(void **state)
{
	const struct lock l = {
		.mutex = { 100, 7000 * MS }, .late_ns = 0.1 * MS, .queue = 4,
		.releasers = { { "", 10, 6900 * MS, 70 }, { "", 90, 100 * MS, 300 } },
	};
	const struct lock rw = {
		.read = { 800, 49000 * MS }, .write = { 13, 16 * MS }, .late_ns = 3 * MS, .queue = 16,
		.releasers = { { "", 700, 48000 * MS, 11000 }, { "", 100, 80 * MS, 1600 } },
	};

	(void)state;
	holds(&l, LSP_SHAPE_SLOW_HOLDER);
	CHANGED(l, releasers[0].hold_ns, 90 * MS, NONE);	/* not half of the hold */
	CHANGED(l, releasers[0].releases, 100, NONE);		/* the many hold long */
	CHANGED(l, releasers[1].releases, 9, NONE);
	CHANGED(l, releasers[0].charged, 70 * 70, NONE);	/* its turn is 1.4 ms, others' 0.33 */
	CHANGED(l, mutex.ns, 2000 * MS, NONE);			/* 0.2 threads */
	CHANGED(l, mutex.count, 29, NONE);
	holds(&rw, LSP_SHAPE_SLOW_HOLDER);
	{
		/* a writer alone, whom another function waits for */
		struct lock alone = rw;

		alone.releasers[1] = (struct lsp_shape_releaser){ "", 3, 1 * MS, 3, 0 };
		holds(&alone, LSP_SHAPE_SLOW_HOLDER);
		alone.write.ns = 5000 * MS;
		holds(&alone, NONE);
		alone.write.ns = 16 * MS;
		alone.waiter = "a";
		holds(&alone, NONE);
		alone.waiter = "f";
		alone.releasers[1].hold_ns = 6000 * MS;
		holds(&alone, NONE);
	}
}

static void test_convoy_and_handoff(void **state)
{
	const struct lock l = {
		.mutex = { 1000, 20000 * MS }, .late_ns = 2 * MS, .queue = 4.5, .handoff_ns = 10000 * MS,
		.releasers = { { "", 500, 4000 * MS, 3000 }, { "", 500, 4000 * MS, 3000 } },
	};

	(void)state;
	holds(&l, LSP_SHAPE_CONVOY);
	CHANGED(l, queue, 3.9, LSP_SHAPE_HANDOFF);
	CHANGED(l, late_ns, 1 * MS, LSP_SHAPE_HANDOFF);		/* a turn is 1.33 ms */
	CHANGED(l, mutex.count, 99, NONE);
	CHANGED(l, mutex.ns, 2000 * MS, NONE);
	{
		struct lock held = l;

		held.queue = 3;
		held.handoff_ns = 7900 * MS;			/* less than the hold */
		holds(&held, NONE);
		held.handoff_ns = 8000 * MS;
		holds(&held, LSP_SHAPE_HANDOFF);
		/* Readers that are woken together wait for processors too: no convoy. */
		held = l;
		held.read = held.mutex;
		held.mutex = (struct lsp_shape_waits){ 0 };
		holds(&held, NONE);
	}
}

static void test_herd(void **state)
{
	const struct lock bursts = {
		.mutex = { 1000, 80000 * MS }, .late_ns = 0.3 * MS, .queue = 16,
		.releasers = { { "", 500, 40000 * MS, 8000 }, { "", 500, 40000 * MS, 8000 } },
	};
	const struct lock vain = {
		.lock = "gate", .signal = { 1000, 5000 * MS }, .late_ns = 1 * MS, .queue = 8, .spurious = 600,
	};

	(void)state;
	holds(&bursts, LSP_SHAPE_HERD);
	CHANGED(bursts, mutex.ns, 75000 * MS, LSP_SHAPE_HERD);
	CHANGED(bursts, mutex.ns, 120000 * MS, LSP_SHAPE_CROWDED);	/* 12 wait always */
	CHANGED(bursts, queue, 11.9, LSP_SHAPE_CROWDED);	/* not 1.5 times the 8 that wait in the mean */
	{
		struct lock few = bursts;

		few.mutex.ns = 20000 * MS;
		few.queue = 5;
		holds(&few, LSP_SHAPE_HERD);
		few.queue = 4.9;
		holds(&few, LSP_SHAPE_CROWDED);
	}
	holds(&vain, LSP_SHAPE_HERD);
	CHANGED(vain, spurious, 499, NONE);
	CHANGED(vain, queue, 3, NONE);
	CHANGED(vain, signal.ns, 900 * MS, NONE);
}

/* The commonest case. Where one function holds longer than others, it is not said that all are alike. */
static void test_crowded(void **state)
{
	const struct lock l = {
		.mutex = { 1000, 20000 * MS }, .late_ns = 0.1 * MS, .queue = 2.5, .handoff_ns = 1000 * MS,
		.releasers = { { "", 600, 12000 * MS, 1200 }, { "", 400, 7000 * MS, 800 } },
	};

	(void)state;
	holds(&l, LSP_SHAPE_CROWDED);
	CHANGED(l, mutex.ns, 4900 * MS, NONE);			/* 0.49 threads */
	CHANGED(l, locks_ns, 80000 * MS, LSP_SHAPE_CROWDED);
	CHANGED(l, locks_ns, 80001 * MS, NONE);			/* one of many */
	CHANGED(l, mutex.ns, 38100 * MS, NONE);			/* half of it is nobody's */
	CHANGED(l, releasers[0].charged, 650, NONE);		/* 18.5 ms against 8.75 */
	CHANGED(l, releasers[0].charged, 700, LSP_SHAPE_CROWDED);
	{
		struct lock other = l;

		/* One function, but for a few: those say nothing. */
		other.releasers[0].releases = 900;
		other.releasers[1] = (struct lsp_shape_releaser){ "", 100, 1 * MS, 100, 0 };
		holds(&other, LSP_SHAPE_CROWDED);
		other.releasers[0].releases = 899;
		holds(&other, NONE);
		/* Of other classes it is not known who is alike. */
		other = l;
		other.write = other.mutex;
		other.mutex = (struct lsp_shape_waits){ 0 };
		holds(&other, NONE);
	}
}

static void test_readers(void **state)
{
	const struct lock l = {
		.read = { 20, 20000 * MS }, .write = { 400, 4000 * MS }, .late_ns = 0.1 * MS, .queue = 3,
		.releasers = { { "", 400, 20000 * MS, 1200 }, { "", 20, 100 * MS, 20 } },
	};

	(void)state;
	holds(&l, LSP_SHAPE_READERS);
	CHANGED(l, read.count, 2, NONE);
	CHANGED(l, write.count, 29, NONE);
	CHANGED(l, write.ns, 20001 * MS, NONE);			/* the lesser half */
	CHANGED(l, read.count, 380, LSP_SHAPE_READERS);		/* 53 ms against 10 */
	CHANGED(l, read.count, 401, NONE);
	{
		struct lock alike = l;

		alike.read.count = 401;
		alike.read.ns = 400000 * MS;
		holds(&alike, NONE);				/* more readers than writers wait */
	}
}

static void test_flow(void **state)
{
	const struct lock l = { .lock = "q.not_full", .waiter = "queue_push", .signal = { 200, 5000 * MS }, .queue = 1 };
	const struct lock pool = { .lock = "pool.cond", .waiter = "worker_main", .signal = { 200, 30000 * MS }, .queue = 4 };

	(void)state;
	holds(&l, LSP_SHAPE_BACK_PRESSURE);
	CHANGED(l, others_in_ns, 2501 * MS, NONE);
	CHANGED(l, lock, "q.not_empty", NONE);			/* of both */
	CHANGED(l, signal.ns, 900 * MS, NONE);
	CHANGED(l, mutex.ns, 5000 * MS, NONE);
	holds(&pool, LSP_SHAPE_IDLE_POOL);
	CHANGED(pool, signal.ns, 19000 * MS, NONE);
	CHANGED(pool, waiter, "loop", NONE);			/* nothing says what they wait for */

	assert_int_equal(lsp_shape_flow("g_out.not_full", "f"), LSP_FLOW_OUT);
	assert_int_equal(lsp_shape_flow("m", "Queue::pushBack"), LSP_FLOW_OUT);
	assert_int_equal(lsp_shape_flow("m", "threadPool.takeTask"), LSP_FLOW_IN);
	assert_int_equal(lsp_shape_flow("m", "compute"), LSP_FLOW_UNKNOWN);
	assert_int_equal(lsp_shape_flow("m", "workout_fully"), LSP_FLOW_UNKNOWN);	/* whole words only */
}

/* The way from profiles: classes, releasers by function, what is missing. */
static void test_from_profiles(void **state)
{
	static const char record[] = "{\"format\":1,\"duration_ns\":2000000000,\"block_rate_ns\":1,\"mutex_fraction\":1}";
	struct lsp_recording r = { 0 };
	struct lsp_shapes s;
	struct json_object *o;
	char why[64], *text = NULL;
	size_t bytes;
	FILE *f;

	(void)state;
	fixture_recording(&r);
	assert_int_equal(lsp_shapes_create(&r, &s), 0);
	assert_false(s.judged);
	assert_null(lsp_shapes_json(&s));
	lsp_shapes_destroy(&s);

	assert_int_equal(lsp_facts_add_record(&r.facts, record, why, sizeof(why)), 0);
	assert_int_equal(lsp_shapes_create(&r, &s), 0);
	assert_true(s.judged);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.shapes[0].kind, LSP_SHAPE_SLOW_HOLDER);
	assert_string_equal(s.shapes[0].lock, "g_mu");
	assert_string_equal(s.shapes[0].site, "slow_update");
	f = open_memstream(&text, &bytes);
	lsp_shapes_text(f, &s, &(struct lsp_words_layout){ 0 });
	fclose(f);
	/* 6700 ms over 10 x 8 waiters, 100 ms over 90 x 3. */
	assert_non_null(strstr(text, "g_mu: slow holder: slow_update has 99% of the blame, with 10% of the "
			       "releases: one waiter waits 83.8ms for each of them, and 370us for each of the others\n"));
	free(text);
	o = lsp_shapes_json(&s);
	assert_non_null(strstr(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
			       "\"hold_per_waiter_ns\":83750000"));
	json_object_put(o);
	lsp_shapes_destroy(&s);
	lsp_recording_uninit(&r);
}

/* What threads wait for in a function called so_and_so_work is work to do, unless it is a lock. */
static void test_semaphore_as_lock(void **state)
{
	static const char record[] = "{\"format\":1,\"duration_ns\":1000000000,\"block_rate_ns\":1,\"mutex_fraction\":1}";
	static const struct {
		const char *role;
		enum lsp_shape_kind kind;
	} rows[] = { { "lock", LSP_SHAPE_SLOW_HOLDER }, { "signal", LSP_SHAPE_IDLE_POOL } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct fixture_events events[] = {
			{ .function = "fast_work", .leaf = "sem_wait", .lock = "g_sem", .sync = "sem", .count = 200, .ns = 3e9, .queue = 3 },
			{ .release = true, .function = "fast_work", .leaf = "sem_post", .lock = "g_sem", .sync = "sem",
			  .role = rows[i].role, .count = 180, .ns = .5e9, .queue = 3 },
			{ .release = true, .function = "slow_work", .leaf = "sem_post", .lock = "g_sem", .sync = "sem",
			  .role = rows[i].role, .count = 20, .ns = 2.5e9, .queue = 3 },
		};
		struct lsp_recording r = { 0 };
		struct lsp_shapes s;

		for (size_t k = 0; k < 3; k++)
			fixture_events_add(&r, &events[k]);
		fixture_record_add(&r, record);
		assert_int_equal(lsp_shapes_create(&r, &s), 0);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.shapes[0].kind, rows[i].kind);
		lsp_shapes_destroy(&s);
		lsp_recording_uninit(&r);
	}
}

/* One crowded lock by what its holders did: the shape and the cause. A slow holder stays one, and has the cause, too. */
static void test_because(void **state)
{
	static const char record[] = "{\"format\":1,\"duration_ns\":2000000000,\"block_rate_ns\":1,\"mutex_fraction\":1}";
	static const struct {
		const char *most, *other;
		double most_ns;
		enum lsp_shape_kind kind;
		const char *cause;	/* NULL: none */
	} cases[] = {
		{ "runnable", "running", 1300, LSP_SHAPE_PREEMPTED, "runnable" },
		{ "fsync", "write", 1000, LSP_SHAPE_IO, "fsync" },
		{ "lock log_mu", "running", 1900, LSP_SHAPE_NESTED, "lock log_mu" },
		{ "page_fault", "fsync", 1300, LSP_SHAPE_FAULTS, "page_fault" },
		{ "runnable", "running", 900, LSP_SHAPE_CROWDED, NULL },
		{ "clock_nanosleep", "fsync", 1300, LSP_SHAPE_CROWDED, NULL },
		{ "unknown", "fsync", 1300, LSP_SHAPE_CROWDED, NULL },
	};
	struct lsp_shapes s;
	char *text = NULL;
	size_t bytes;
	FILE *f;

	(void)state;
	for (size_t i = 0; i <= sizeof(cases) / sizeof(cases[0]); i++) {
		bool slow = i == sizeof(cases) / sizeof(cases[0]);
		const char *cause = slow ? "fsync" : cases[i].cause;
		struct lsp_recording r = { 0 };

		fixture_events_add(&r, &(struct fixture_events){ .function = "f", .lock = "mu", .count = 200, .ns = 2000 * MS,
								 .queue = 1 });
		for (int k = 0; k < 2; k++)
			fixture_events_add(&r, &(struct fixture_events){
				.release = true, .function = slow && k ? "g" : "f", .lock = "mu", .role = "lock",
				.why = slow ? (k ? "running" : "fsync") : k ? cases[i].other : cases[i].most,
				.count = slow && !k ? 10 : 100, .queue = 1,
				.ns = (slow ? (k ? 100 : 1900) : k ? 2000 - cases[i].most_ns : cases[i].most_ns) * MS });
		fixture_record_add(&r, record);
		assert_int_equal(lsp_shapes_create(&r, &s), 0);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.shapes[0].kind, slow ? LSP_SHAPE_SLOW_HOLDER : cases[i].kind);
		if (cause)
			assert_string_equal(s.shapes[0].cause, cause);
		else
			assert_null(s.shapes[0].cause);
		f = open_memstream(&text, &bytes);
		lsp_shapes_text(f, &s, &(struct lsp_words_layout){ 0 });
		fclose(f);
		if (i == 1)
			fixture_has(text, "mu: I/O under a lock: for 100% of the blame its holder was asleep in fsync; 1.0 threads wait for it "
				    "on average, and one waiter waits 10.0ms for each release; most of the blame has f\n");
		if (slow)
			fixture_has(text, " for each of the others; for 95% of the blame its holder was asleep in fsync\n");
		free(text);
		lsp_shapes_destroy(&s);
		lsp_recording_uninit(&r);
	}
}

/* Five shards that are alike: none of them is what holds the program up. */
static void test_shards(void **state)
{
	static const char record[] = "{\"format\":1,\"duration_ns\":2000000000}";
	static const char *const names[] = { "a", "b", "c", "d", "e" };

	(void)state;
	for (size_t n = 4; n <= 5; n++) {
		struct lsp_recording r = { 0 };
		struct lsp_shapes s;
		char why[64];

		for (size_t i = 0; i < n; i++) {
			fixture_events_add(&r, &(struct fixture_events){
				.function = "f", .lock = names[i], .count = 100, .ns = 2000 * MS, .queue = 1 });
			fixture_events_add(&r, &(struct fixture_events){
				.release = true, .function = "f", .lock = names[i], .count = 100, .ns = 2000 * MS, .queue = 1 });
		}
		assert_int_equal(lsp_facts_add_record(&r.facts, record, why, sizeof(why)), 0);
		assert_int_equal(lsp_shapes_create(&r, &s), 0);
		assert_int_equal(s.n, n == 4 ? 4 : 0);
		lsp_shapes_destroy(&s);
		lsp_recording_uninit(&r);
	}
}

static enum lsp_shape_kind first_shape(const struct lsp_recording *r, bool *several_ret)
{
	enum lsp_shape_kind kind = NONE;
	struct lsp_shapes s;

	assert_int_equal(lsp_shapes_create(r, &s), 0);
	if (s.n)
		kind = s.shapes[0].kind;
	*several_ret = s.several;
	assert_true(s.judged == !s.several);
	lsp_shapes_destroy(&s);
	return kind;
}

/*
 * Two programs of 2 s each, one after the other: what waits in the first does so
 * for half of the sum, so its queue would look like one that comes in bursts.
 */
static void test_several_programs(void **state)
{
	static const struct fixture_events crowd[] = {
		{ .function = "update", .lock = "a_mu", .count = 1000, .ns = 14000 * MS, .queue = 7 },
		{ .release = true, .function = "update", .lock = "a_mu", .count = 1000, .ns = 14000 * MS, .queue = 7 },
	};
	static const char *const records[] = {
		"{\"format\":1,\"command\":[\"./a\"],\"duration_ns\":2000000000}",
		"{\"format\":1,\"command\":[\"./b\"],\"duration_ns\":2000000000}",
	};
	struct lsp_recording r = { 0 };
	bool several;
	char why[64];

	(void)state;
	for (size_t i = 0; i < 2; i++)
		fixture_events_add(&r, &crowd[i]);
	assert_int_equal(lsp_facts_add_record(&r.facts, records[0], why, sizeof(why)), 0);
	assert_int_equal(first_shape(&r, &several), LSP_SHAPE_CROWDED);
	assert_false(several);
	/* The same program again, in which as much waited. */
	for (size_t i = 0; i < 2; i++)
		fixture_events_add(&r, &crowd[i]);
	assert_int_equal(lsp_facts_add_record(&r.facts, records[0], why, sizeof(why)), 0);
	assert_int_equal(first_shape(&r, &several), LSP_SHAPE_CROWDED);
	assert_false(several);
	/* And twice more, with nothing to wait for. */
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(lsp_facts_add_record(&r.facts, records[0], why, sizeof(why)), 0);
	assert_int_equal(first_shape(&r, &several), LSP_SHAPE_CROWDED);
	lsp_recording_uninit(&r);

	memset(&r, 0, sizeof(r));
	for (size_t i = 0; i < 2; i++)
		fixture_events_add(&r, &crowd[i]);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(lsp_facts_add_record(&r.facts, records[i], why, sizeof(why)), 0);
	assert_int_equal(first_shape(&r, &several), NONE);
	assert_true(several);
	lsp_recording_uninit(&r);
}

/* As many functions release a lock as a generated program has; a second is enough for a hundred times them. */
static void test_many_releasers(void **state)
{
	static const char record[] = "{\"format\":1,\"duration_ns\":2000000000}";
	enum { SITES = 40000 };
	struct lsp_recording r = { 0 };
	struct lsp_shapes s;
	char name[32], why[64];
	clock_t begun;

	(void)state;
	fixture_events_add(&r, &(struct fixture_events){ .function = "f", .lock = "mu", .count = SITES, .ns = 9000 * MS,
							 .queue = 2 });
	for (int i = 0; i < SITES; i++) {
		snprintf(name, sizeof(name), "site_%d", i);
		fixture_events_add(&r, &(struct fixture_events){ .release = true, .function = name,
				   .lock = i % 2 ? "mu" : "other", .count = 1, .ns = i % 2 ? 0.1 * MS : 0, .queue = 1 });
	}
	assert_int_equal(lsp_facts_add_record(&r.facts, record, why, sizeof(why)), 0);
	begun = clock();
	assert_int_equal(lsp_shapes_create(&r, &s), 0);
	print_message("# %d releasers judged in %.2f s\n", SITES, (double)(clock() - begun) / CLOCKS_PER_SEC);
	assert_true(clock() - begun < 3 * CLOCKS_PER_SEC);
	assert_int_equal(s.nlocks, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(s.locks[i].nreleasers, SITES / 2);
		for (size_t k = 0; k < s.locks[i].nreleasers; k++)
			assert_float_equal(s.locks[i].releasers[k].releases, 1, 0);
	}
	lsp_shapes_destroy(&s);
	lsp_recording_uninit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_holder),
		cmocka_unit_test(test_convoy_and_handoff),
		cmocka_unit_test(test_herd),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_from_profiles), cmocka_unit_test(test_semaphore_as_lock), cmocka_unit_test(test_because),
		cmocka_unit_test(test_shards),
		cmocka_unit_test(test_several_programs),
		cmocka_unit_test(test_many_releasers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
