// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings of locks that let each thread sleep on a word of its own, through
 * the whole collector. Would catch: blame that the words' own ledgers give (a
 * slow holder with a third of what it caused), blame that depends on the order
 * in which records come, waiting that is lost on its way to a virtual key, blame
 * from a recording that kept a sample, virtual keys in the place of locks, and roots that do not come to the blame.
 *
 * sources: user/collect/ user/collect/roles/ user/collect/roots/ user/results/profiles.c user/results/unblamed.c user/results/why.c user/results/losses.c
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
 * sources: user/profile/pprof.c user/profile/pprof_write.c user/profile/pprof_encode.c
 * sources: user/profile/gzip.c user/profile/utf8.c
 * sources: user/profile/profile.pb-c.c user/profile/estimate.c
 * sources: tests/unit/fixture_resolver.c user/resolve/trace.c tests/unit/fixture_collector.c tests/unit/fixture_parking.c
 * libs: -lprotobuf-c -lz -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/threads.h"
#include "fixture_collector.h"
#include "fixture_parking.h"
#include "fixture_resolver.h"

/*
 * The share of thread 0, percent: what truly was, what virtual keys come to in a simulation that
 * knows nothing of this collector, and what a ledger for each word does.
 */
static const struct {
	struct parking p;
	double truth, virtual, by_word;
	size_t waits;
} cases[] = {
#define LONG .020, .003, 60e-6
#define SLOW_WAKE .020, .003, 1e-3
#define SHORT .0004, .00006, 20e-6
#define SHORTEST .0001, .00002, 20e-6
	/* threads, locks, fair, nested, times, own sites */
	{ { 4, 1, false, false, LONG, false }, 72.6, 72.6, 31.2, 1155 },
	{ { 32, 1, false, false, LONG, false }, 18.0, 18.0, 3.1, 9596 },
	{ { 4, 1, true, false, LONG, false }, 72.5, 72.7, 31.6, 1156 },
	{ { 32, 1, true, false, LONG, false }, 17.8, 18.0, 3.1, 9597 },
	{ { 4, 8, false, false, LONG, false }, 77.9, 77.9, 59.0, 228 },
	{ { 32, 8, false, false, LONG, false }, 15.4, 15.1, 4.0, 7795 },
	{ { 4, 8, true, false, LONG, false }, 78.5, 78.7, 59.7, 224 },
	{ { 32, 8, true, false, LONG, false }, 15.1, 15.3, 4.0, 7690 },
	{ { 4, 8, false, false, SHORT, false }, 75.4, 74.9, 57.2, 245 },
	{ { 32, 8, false, false, SHORT, false }, 16.5, 15.1, 4.1, 7725 },
	{ { 4, 8, false, false, SHORTEST, false }, 72.9, 72.9, 51.1, 232 },
	{ { 32, 8, false, false, SHORTEST, false }, 14.5, 12.5, 4.0, 7610 },
	{ { 4, 8, false, false, SLOW_WAKE, false }, 75.4, 74.9, 57.2, 245 },
	{ { 32, 8, false, false, SLOW_WAKE, false }, 16.5, 15.1, 4.1, 7725 },
	{ { 4, 1, false, false, SLOW_WAKE, false }, 73.3, 73.8, 38.0, 1181 },
	{ { 32, 1, false, false, SLOW_WAKE, false }, 18.6, 19.3, 3.4, 9575 },
	{ { 4, 2, false, true, LONG, true }, 66.7, 66.7, 36.2, 1313 },
	{ { 32, 2, false, true, LONG, true }, 15.5, 15.5, 3.3, 11131 },
	{ { 4, 2, true, true, LONG, true }, 65.1, 65.2, 35.3, 1283 },
	{ { 32, 2, true, true, LONG, true }, 15.1, 15.3, 3.3, 10670 },
	/*
	 * Nothing in the events tells two locks of one place from each other: see docs/semantics.md.
	 * They are taken for one.
	 */
	{ { 4, 2, false, true, LONG, false }, 66.7, 73.5, 36.2, 1313 },
	{ { 32, 2, false, true, LONG, false }, 15.5, 19.4, 3.3, 11131 },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))
#define SLOW 8		/* in a stack's rip: thread 0's */

struct result {
	double slow_ns, blamed_ns;	/* of mutex.pb.gz */
	double slow_hold_ns;		/* with the unsure */
	double hold_ns, handoff_ns, tail_ns, wait_ns;
	double releases, waits;
	char most[128];			/* the lock with most waiting, and that */
	double most_ns;
	int unsure;
	uint64_t roots_ns;
	bool rooted;
};

static int row_take(void *arg, const struct lsp_row *row)
{
	const struct lsp_estimate *e = &row->sums->estimate;
	struct result *r = arg;

	r->handoff_ns += row->sums->handoff_ns;
	r->tail_ns += row->sums->tail_ns;
	if (row->kind == LSP_ROW_BLOCK) {
		r->wait_ns += e->delay_ns;
		r->waits += e->count;
		if (e->delay_ns > r->most_ns) {
			r->most_ns = e->delay_ns;
			snprintf(r->most, sizeof(r->most), "%s", row->lock);
		}
		return 0;
	}
	r->hold_ns += e->delay_ns;
	r->releases += e->count;
	r->unsure += !!strstr(row->lock, "[unsure]");
	assert_int_equal(!!strstr(row->lock, "[unsure]"), row->doubt == LSP_DOUBT_WEAK);
	if (row->trace->frames[0].pc & SLOW)
		r->slow_hold_ns += e->delay_ns;
	if (!lsp_row_is_blamed(row))
		return 0;
	r->blamed_ns += e->delay_ns;
	if (row->trace->frames[0].pc & SLOW)
		r->slow_ns += e->delay_ns;
	return 0;
}

static uint64_t stack_of(uint32_t site, uint32_t tid)
{
	return 1 + site + (tid == 100 ? SLOW : 0);
}

static void feed_wait(struct feeder *f, const struct parked *k, size_t i, uint64_t rate_ns)
{
	const struct lsp_wait *w = &k->waits[i];
	struct lockspan_span s = span(stack_of(w->site, w->tid), w->key, 0);

	s.id = i + 1;
	s.enq_ns = w->enq_ns;
	s.wake_ns = w->wake_ns;
	s.run_ns = w->run_ns;
	s.tid = w->tid;
	s.rate_ns = rate_ns;
	feed(f, &s);
}

/* With parts: what a thread did that runs, or waits on its own word, and nothing else. */
struct parted {
	struct lockspan_release r;
	struct lockspan_why_part part[4];
};

#define WHAT(why) ((uint64_t)LOCKSPAN_WHY_##why << LOCKSPAN_WHY_CALL_BITS)
#define NANOSLEEP (WHAT(CALL) | 230)

static bool with_parts;

static void part_put(struct parted *p, uint64_t what, uint64_t ns)
{
	p->part[(p->r.rec.bytes - sizeof(p->r)) / sizeof(p->part[0])] = (struct lockspan_why_part){ ns, what };
	p->r.rec.bytes += sizeof(p->part[0]);
}

/* As the module divides the charge of the wait @i: the releaser has slept since it last got a lock. */
static void parts_put(struct parted *p, const struct parked *k, size_t i)
{
	const struct lsp_wait *w = &k->waits[i], *last = NULL;
	uint64_t at = w->wake_ns, from;

	for (size_t j = 0; j < i; j++)
		if (k->waits[j].tid == w->by && k->waits[j].run_ns <= at)
			last = &k->waits[j];
	p->r.rec.flags = LOCKSPAN_RELEASE_WHY;
	from = last && last->run_ns > w->enq_ns ? last->run_ns : w->enq_ns;
	if (at > from)
		part_put(p, NANOSLEEP, at - from);
	if (from == w->enq_ns)
		return;
	/* It was woken some time before, on its own word. */
	at = from;
	from = last->wake_ns > w->enq_ns ? last->wake_ns : w->enq_ns;
	if (at > from)
		part_put(p, WHAT(RUNNABLE), at - from);
	if (from == w->enq_ns)
		return;
	at = from;
	from = last->enq_ns > w->enq_ns ? last->enq_ns : w->enq_ns;
	part_put(p, last->key, at - from);
	if (from > w->enq_ns)
		part_put(p, WHAT(RUNNING), from - w->enq_ns);
}

static void feed_release(struct feeder *f, const struct parked *k, size_t i)
{
	struct parted p = { 0 };
	const struct lsp_wait *w = &k->waits[i];
	struct lockspan_release r = release(stack_of(w->by_site, w->by), w->key, w->wake_ns - w->enq_ns);

	r.span = i + 1;
	r.time_ns = w->wake_ns;
	r.tid = w->by;
	r.waiter_tid = w->tid;
	r.waiters = 0;
	p.r = r;
	if (with_parts)
		parts_put(&p, k, i);
	feed(f, &p);
}

/* @scramble: records come as from several CPUs, and the stacks last. */
static uint64_t condition_stack; /* the one that waits for a condition */

static void record(struct feeder *f, const struct parked *k, uint64_t class_rip, bool scramble, uint64_t rate_ns)
{
	begin(f);
	locks_native = false;
	sites_by_rip = true;
	for (size_t i = 0; i < k->n; i++) {
		feed_wait(f, k, scramble ? (i * 7919) % k->n : i, rate_ns);
		feed_release(f, k, i);
		if (scramble && i % 1000 == 999)
			assert_int_equal(lsp_collector_tick(f->c), 0);
	}
	for (uint64_t id = 1; id < 16; id++)
		feed_stack(f, 1, id, (id == condition_stack ? RIP(COND, 0) : class_rip) + id);
	assert_int_equal(lsp_collector_finish(f->c), 0);
}

static int root_take(void *arg, const struct lsp_root *root)
{
	struct result *r = arg;

	assert_true(root->ns);
	r->roots_ns += root->ns;
	return 0;
}

/* Wherever roots are known they come to the blame. */
static void result_of(struct feeder *f, struct result *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(lsp_collector_rows(f->c, row_take, r), 0);
	assert_int_equal(lsp_collector_roots(f->c, root_take, r), 0);
	r->rooted = !lsp_collector_roots_missing(f->c);
	assert_true((double)r->roots_ns == (r->rooted ? r->blamed_ns : 0));
	lsp_collector_destroy(f->c);
}

static void case_check(size_t c, uint64_t class_rip, bool scramble)
{
	struct feeder f;
	struct parked k;
	struct result r;
	double share, all;

	parking_run(&cases[c].p, 1, &k);
	assert_int_equal(k.n, cases[c].waits);
	assert_true(fabs(k.truth - cases[c].truth) <= .051);
	if (scramble && k.n % 7919 == 0)
		fail_msg("choose another step");
	record(&f, &k, class_rip, scramble, 1);
	result_of(&f, &r);
	share = 100 * r.slow_ns / r.blamed_ns;
	all = 100 * r.slow_hold_ns / r.hold_ns;
	if (getenv("LSP_TEST_SHOW"))
		print_message("case %2zu: share %.1f, with the unsure %.1f, simulated %.1f, truth %.1f; blamed %.1f %% of hold\n",
			      c, share, all, cases[c].virtual, cases[c].truth, 100 * r.blamed_ns / r.hold_ns);
	if (fabs(all - cases[c].virtual) > 1 || fabs(share - cases[c].truth) > (c < CASES - 2 ? 2 : 7))
		fail_msg("case %zu: %.1f %%, with the unsure %.1f, simulated %.1f (truth %.1f, by word %.1f)", c, share,
			 all, cases[c].virtual, cases[c].truth, cases[c].by_word);
	/* Nothing is lost between the word and the virtual key. */
	assert_true(r.waits == (double)k.n && r.releases == (double)k.n);
	assert_true(r.hold_ns + r.handoff_ns + r.tail_ns == r.wait_ns);
	assert_true(r.blamed_ns >= .75 * r.hold_ns);
	assert_true(r.rooted);
	assert_int_equal(strncmp(r.most, "parked@site", 11), 0);
	parked_uninit(&k);
}

static void blame_is_as_simulated(void **state)
{
	(void)state;
	for (size_t c = 0; c < CASES; c++)
		case_check(c, RIP(MUTEX, 0), false);
}

/* Stripped, or of a library that nobody knows: what the words do is enough. */
static void no_class_is_needed(void **state)
{
	(void)state;
	for (size_t c = 0; c < CASES; c++)
		/* Four threads seldom meet at eight locks: chains of two or three waits may be anything. */
		if (cases[c].p.threads > 4 || cases[c].p.locks < 8)
			case_check(c, RIP(OTHER, 0), true);
}

/* What was left out may be just the hand-over that would tell: nobody is blamed, and that is told. */
static void a_sample_blames_nobody(void **state)
{
	struct feeder f;
	struct parked k;
	struct result r;

	(void)state;
	parking_run(&cases[0].p, 1, &k);
	record(&f, &k, RIP(MUTEX, 0), false, 1000);
	result_of(&f, &r);
	assert_true(r.blamed_ns == 0 && r.hold_ns > 0 && r.releases == (double)k.n && !r.rooted);
	parked_uninit(&k);
}

static int virtual_key(void *arg, const struct lsp_key_role *key, const char *lock)
{
	struct lsp_evidence *sum = arg;

	if (!key->virtual)
		return 0;
	assert_int_equal(strncmp(lock, "parked@site1#", 13), 0);
	lsp_evidence_merge(sum, &key->evidence);
	return 0;
}

/* The threads' sums come to what the mutex profile has, and the keys tell all events. */
static void sums_agree(void **state)
{
	struct lsp_evidence sum = { 0 };
	const struct lsp_threads *threads;
	double releases = 0, blamed_ns = 0;
	struct feeder f;
	struct parked k;
	struct result r;

	(void)state;
	parking_run(&cases[11].p, 1, &k);
	record(&f, &k, RIP(OTHER, 0), true, 1);
	threads = lsp_collector_threads(f.c);
	for (size_t i = 0; i < threads->n; i++) {
		releases += threads->threads[i].releases;
		blamed_ns += threads->threads[i].blamed_ns;
	}
	assert_int_equal(lsp_collector_keys(f.c, virtual_key, &sum), 0);
	assert_true(sum.waits == k.n && sum.releases == k.n);
	result_of(&f, &r);
	assert_true(r.unsure > 0 && blamed_ns == r.blamed_ns && releases < (double)k.n);
	parked_uninit(&k);
}

/* Words with one waiter each that are locks of the C library's stay what they are. */
static void known_locks_stay(void **state)
{
	struct feeder f;
	struct parked k;
	struct result r;

	(void)state;
	parking_run(&cases[0].p, 1, &k);
	begin(&f);
	sites_by_rip = true;
	for (size_t i = 0; i < k.n; i++) {
		feed_wait(&f, &k, i, 1);
		feed_release(&f, &k, i);
	}
	for (uint64_t id = 1; id < 16; id++)
		feed_stack(&f, 1, id, RIP(MUTEX, 0) + id);
	assert_int_equal(lsp_collector_finish(f.c), 0);
	result_of(&f, &r);
	assert_true(r.blamed_ns == r.hold_ns && r.hold_ns == r.wait_ns);
	assert_int_not_equal(strncmp(r.most, "parked@", 7), 0);
	parked_uninit(&k);
}

/*
 * A lock that is contended now and then: each time three threads wait for the same holder, who never waits, and
 * the queue runs empty. With @together another three wait for a second lock of the same site, from the middle of
 * the hold on. With @condition a fourth has waited for a condition all the time, and an unlock wakes it in the end.
 */
static void now_and_then(struct feeder *f, uint64_t class_rip, bool together, bool condition)
{
	struct lsp_wait waits[121];
	struct parked k = { .waits = waits };

	for (uint64_t round = 0; round < 20; round++)
		for (uint64_t lock = 0; lock < (together ? 2 : 1); lock++) {
			uint64_t ns = 1000000000 + round * 100000000 + lock * 5000000;
			uint32_t tid = (uint32_t)(200 + 10 * lock);
			struct lsp_wait *w = &waits[k.n];

			for (uint32_t i = 0; i < 3; i++)
				w[i] = (struct lsp_wait){
					.key = tid + 1 + i, .tid = tid + 1 + i, .enq_ns = ns + i,
					.wake_ns = ns + 10000000 + i * 1000000, .run_ns = ns + 10050000 + i * 1000000,
					.by = i ? tid + i : lock ? 200 : 100, .site = 1, .by_site = 1,
				};
			k.n += 3;
		}
	if (condition)
		waits[k.n++] = (struct lsp_wait){ .key = 300, .tid = 300, .enq_ns = 900000000, .wake_ns = 2911000100,
						  .run_ns = 2911050100, .by = 201, .site = 3, .by_site = 1 };
	condition_stack = condition ? 4 : 0;
	record(f, &k, class_rip, false, 1);
	condition_stack = 0;
}

static void a_queue_that_runs_empty_is_one_lock(void **state)
{
	struct feeder f;
	struct result r;

	(void)state;
	now_and_then(&f, RIP(OTHER, 0), false, false);
	result_of(&f, &r);
	assert_string_equal(r.most, "parked@site2#1");
	assert_true(r.most_ns == r.wait_ns && r.waits == 60 && r.unsure == 0);
	/* The holder that nobody woke is charged with both who waited, not only with the one that it woke. */
	assert_true(r.blamed_ns == r.hold_ns && r.slow_ns > .9 * r.blamed_ns);
}

/* Two that are held at once are two. */
static void locks_at_once_are_two(void **state)
{
	struct feeder f;
	struct result r;

	(void)state;
	now_and_then(&f, RIP(OTHER, 0), true, false);
	result_of(&f, &r);
	assert_true(r.most_ns < .6 * r.wait_ns);
}

/* What was waited for a condition is not blamed on who held the lock, though the lock's release ended it. */
static void a_condition_is_not_the_locks(void **state)
{
	struct feeder f;
	struct result r;

	(void)state;
	now_and_then(&f, RIP(MUTEX, 0), false, true);
	result_of(&f, &r);
	assert_true(r.waits == 61 && r.wait_ns > 2600000000.);
	assert_true(r.blamed_ns < 660000000 && r.slow_ns > .9 * r.blamed_ns);
}

struct reasons {
	double hold_ns, asleep_ns, others_ns, unknown_ns, rest_ns;
	bool uneven;	/* the parts of a row do not come to its hold */
};

static int reasons_take(void *arg, const struct lsp_row *row)
{
	const struct lsp_why *why = row->sums->why;
	struct reasons *r = arg;
	uint64_t sum = 0;

	if (row->kind != LSP_ROW_MUTEX || row->given_up)
		return 0;
	r->hold_ns += row->sums->estimate.delay_ns;
	for (size_t i = 0; why && i < why->n; i++) {
		double ns = (double)why->sums[i].ns;

		*(why->sums[i].what == NANOSLEEP ? &r->asleep_ns : why->sums[i].what == WHAT(OTHERS) ? &r->others_ns :
		  why->sums[i].what == WHAT(UNKNOWN) ? &r->unknown_ns : &r->rest_ns) += ns;
		sum += why->sums[i].ns;
	}
	r->uneven |= (double)sum != row->sums->estimate.delay_ns;
	return 0;
}

/*
 * Each thread sleeps while it holds a lock. By the words most of a charge is the releaser's own wait for the lock; by
 * the virtual keys it is its sleep.
 */
static void reasons_are_of_virtual_keys(void **state)
{
	(void)state;
	for (size_t c = 0; c < 8; c++) {
		struct reasons r = { 0 };
		struct feeder f;
		struct parked k;

		parking_run(&cases[c].p, 1, &k);
		with_parts = true;
		record(&f, &k, RIP(MUTEX, 0), false, 1);
		with_parts = false;
		assert_int_equal(lsp_collector_rows(f.c, reasons_take, &r), 0);
		lsp_collector_destroy(f.c);
		if (getenv("LSP_TEST_SHOW"))
			print_message("case %2zu: of %.3g s: asleep %.2f %%, others %.2f, unknown %.2f, rest %.2f\n", c, r.hold_ns / 1e9,
				      100 * r.asleep_ns / r.hold_ns, 100 * r.others_ns / r.hold_ns,
				      100 * r.unknown_ns / r.hold_ns, 100 * r.rest_ns / r.hold_ns);
		assert_false(r.uneven);
		assert_true(r.asleep_ns > .9 * r.hold_ns);
		parked_uninit(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blame_is_as_simulated),
		cmocka_unit_test(no_class_is_needed),
		cmocka_unit_test(a_sample_blames_nobody),
		cmocka_unit_test(sums_agree),
		cmocka_unit_test(known_locks_stay),
		cmocka_unit_test(a_queue_that_runs_empty_is_one_lock),
		cmocka_unit_test(locks_at_once_are_two),
		cmocka_unit_test(a_condition_is_not_the_locks),
		cmocka_unit_test(reasons_are_of_virtual_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
