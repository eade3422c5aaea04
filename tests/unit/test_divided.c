// SPDX-License-Identifier: GPL-2.0-only
/*
 * Five hundred random recordings of locks whose threads sleep on words of their own, through the whole collector, with
 * waits that time out, take signals, are reached late, did not sleep or are still open. Would catch: hold that is neither
 * blamed nor said to be nobody's, handoff and tails that the totals do not have, where virtual keys divide what was
 * waited otherwise than the words' ledgers; a release that is counted twice or not at all.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/roles/charges.h"
#include "fixture_collector.h"
#include "fixture_parking.h"
#include "fixture_resolver.h"

#define THREADS 8
#define ROUNDS 40

/* ---- waits ---- */

struct waits {
	struct lsp_wait *all;
	uint8_t *outcomes;	/* by span, which is the place that a wait had at first */
	size_t n;
};

static struct lsp_wait *wait_copy(struct waits *s, const struct lsp_wait *w, uint8_t outcome)
{
	struct lsp_wait *copy = &s->all[s->n];

	*copy = *w;
	copy->span = (uint32_t)s->n;
	s->outcomes[s->n++] = outcome;
	return copy;
}

/* A wait that something else than a release ends: it does so in the middle, and the thread may wait on. */
static void wait_spoil(struct waits *s, const struct lsp_wait *w, bool nosleep)
{
	static const uint8_t outcomes[] = {
		LOCKSPAN_TIMEOUT, LOCKSPAN_SIGNAL, LOCKSPAN_STRAY, LOCKSPAN_WOKEN_LATE, LOCKSPAN_OPEN, LOCKSPAN_NOSLEEP,
	};
	uint8_t outcome = outcomes[twister_below(nosleep ? 6 : 5)];
	uint64_t length_ns = w->wake_ns - w->enq_ns, at_ns = w->enq_ns + twister_below((uint32_t)length_ns);
	struct lsp_wait *copy = wait_copy(s, w, outcome);

	copy->run_ns = at_ns;
	copy->wake_ns = 0;
	copy->gives_up = outcome != LOCKSPAN_OPEN && outcome != LOCKSPAN_NOSLEEP;
	if (outcome == LOCKSPAN_WOKEN_LATE) {
		copy->late_ns = w->wake_ns;
		return;
	}
	copy->release = LSP_INDEX_NONE;
	copy = wait_copy(s, w, LOCKSPAN_WOKEN);
	copy->enq_ns = at_ns + twister_below((uint32_t)(w->wake_ns - at_ns));
}

static int wait_compare(const void *a, const void *b)
{
	const struct lsp_wait *x = a, *y = b;

	if (x->enq_ns != y->enq_ns)
		return x->enq_ns < y->enq_ns ? -1 : 1;
	return x->span < y->span ? -1 : 1;
}

static void waits_make(struct waits *s, uint32_t seed)
{
	struct parking p = {
		.threads = 3 + (int)(seed % (THREADS - 2)), .locks = 1 + (int)(seed / 7 % 3), .fair = seed / 3 % 2,
		.slow_s = .004, .fast_s = .0006, .wake_s = seed % 5 ? 20e-6 : 1e-3, .own_sites = seed / 11 % 2,
	};
	struct parked k;

	p.nested = p.locks == 2 && seed % 4 == 0;
	parking_run_rounds(&p, seed, ROUNDS, &k);
	*s = (struct waits){ .all = calloc(2 * k.n + 1, sizeof(*s->all)), .outcomes = calloc(2 * k.n + 1, 1) };
	for (size_t i = 0; i < k.n; i++) {
		k.waits[i].release = 0;
		if (twister_below(10) == 0 && k.waits[i].wake_ns > k.waits[i].enq_ns)
			wait_spoil(s, &k.waits[i], seed % 2);
		else
			wait_copy(s, &k.waits[i], LOCKSPAN_WOKEN);
	}
	qsort(s->all, s->n, sizeof(*s->all), wait_compare);
	/* The words' own ledgers, as the module has them. */
	for (size_t i = 0; i < s->n; i++)
		s->all[i].group = s->all[i].tid - 100;
	parked_uninit(&k);
}

/* ---- a recording ---- */

struct exact {
	struct lsp_client_report end;
	uint64_t waited_ns;
	uint64_t releases;
};

static void feed_wait(struct feeder *f, const struct waits *s, const struct lsp_wait *w)
{
	struct lockspan_span span_of = span(1 + w->site, w->key, 0);
	struct lockspan_release release_of = release(1 + w->by_site, w->key, w->hold_ns);
	bool late = !w->wake_ns;

	span_of.id = release_of.span = w->span + 1;
	span_of.enq_ns = w->enq_ns;
	span_of.wake_ns = w->wake_ns;
	span_of.run_ns = w->run_ns;
	span_of.tid = release_of.waiter_tid = w->tid;
	span_of.outcome = s->outcomes[w->span];
	span_of.handoff_ns = w->handoff_ns;
	span_of.tail_ns = w->tail_ns;
	feed(f, &span_of);
	if (w->release == LSP_INDEX_NONE)
		return;
	release_of.time_ns = late ? w->late_ns : w->wake_ns;
	release_of.tid = w->by;
	release_of.carried_ns = w->carried_ns;
	release_of.handoff_ns = w->closed_ns;
	release_of.waiters = 0;
	release_of.rec.flags = late ? LOCKSPAN_RELEASE_LATE : 0;
	feed(f, &release_of);
}

static void record(struct feeder *f, struct waits *s, struct exact *e)
{
	struct lsp_given given[THREADS];
	uint64_t *c = e->end.counters;

	memset(e, 0, sizeof(*e));
	assert_int_equal(lsp_charges_find(s->all, s->n, THREADS, given, NULL), 0);
	begin(f);
	locks_native = false;
	sites_by_rip = true;
	for (size_t i = 0; i < s->n; i++) {
		const struct lsp_wait *w = &s->all[i];

		feed_wait(f, s, w);
		e->waited_ns += (w->wake_ns ? w->wake_ns : w->run_ns) - w->enq_ns;
		e->releases += w->release != LSP_INDEX_NONE;
		c[LOCKSPAN_C_HOLD_NS] += w->hold_ns;
		c[LOCKSPAN_C_HANDOFF_NS] += w->handoff_ns + w->closed_ns;
		c[LOCKSPAN_C_TAIL_NS] += w->tail_ns - w->carried_ns;
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		struct lockspan_given_up g = {
			.rec = { .bytes = sizeof(g), .type = LOCKSPAN_REC_GIVEN_UP }, .time_ns = 1, .wait_ns = given[i].wait_ns,
			.key = 1000 + i, .uaddr = 8 * (1000 + (uint64_t)i), .waits = given[i].waits, .tgid = 1,
			.op = LOCKSPAN_OP_WAIT,
		};

		c[LOCKSPAN_C_GIVEN_UP_NS] += given[i].wait_ns;
		if (g.waits)
			feed(f, &g);
	}
	assert_int_equal(c[LOCKSPAN_C_HOLD_NS] + c[LOCKSPAN_C_HANDOFF_NS] + c[LOCKSPAN_C_TAIL_NS], e->waited_ns);
	for (uint64_t id = 1; id < 8; id++)
		feed_stack(f, 1, id, RIP(MUTEX, 0) + id);
	assert_int_equal(lsp_collector_finish(f->c), 0);
}

/* ---- what comes of it ---- */

struct rows {
	double blamed_ns, unblamed_ns, handoff_ns, tail_ns, given_up_ns, releases;
};

static int row_take(void *arg, const struct lsp_row *row)
{
	struct rows *r = arg;

	if (row->given_up) {
		r->given_up_ns += row->sums->estimate.delay_ns;
		return 0;
	}
	r->handoff_ns += row->sums->handoff_ns;
	r->tail_ns += row->sums->tail_ns - row->sums->carried_ns;
	if (row->kind != LSP_ROW_MUTEX)
		return 0;
	*(lsp_row_is_blamed(row) ? &r->blamed_ns : &r->unblamed_ns) += row->sums->estimate.delay_ns;
	r->releases += row->sums->estimate.count;
	return 0;
}

static void check_one(uint32_t seed, uint64_t *carried_ns, uint64_t *given_ns, int *redivided, int *otherwise)
{
	struct lsp_divided d;
	struct rows r = { 0 };
	struct feeder f;
	struct waits s;
	struct exact e;

	waits_make(&s, seed);
	record(&f, &s, &e);
	d = lsp_divided_find(&e.end, f.c);
	assert_int_equal(lsp_collector_rows(f.c, row_take, &r), 0);
	if (getenv("LSP_TEST_SHOW"))
		print_message("%u: %zu waits, hold %llu ns by word, %llu divided; blamed %.0f, not %.0f; handoff %llu (%.0f), tail %llu (%.0f), given up %llu (%.0f)\n",
			      seed, s.n, (unsigned long long)e.end.counters[LOCKSPAN_C_HOLD_NS],
			      (unsigned long long)d.hold_ns, r.blamed_ns, r.unblamed_ns, (unsigned long long)d.handoff_ns,
			      r.handoff_ns, (unsigned long long)d.tail_ns, r.tail_ns,
			      (unsigned long long)d.given_up_ns, r.given_up_ns);
	assert_true(r.blamed_ns + r.unblamed_ns == (double)d.hold_ns);
	assert_true(r.handoff_ns == (double)d.handoff_ns);
	assert_true(r.given_up_ns == (double)d.given_up_ns);
	assert_int_equal(d.hold_ns + d.handoff_ns + d.tail_ns, e.waited_ns);
	/* No row has the waits that did not sleep. */
	if (seed % 2 == 0)
		assert_true(r.tail_ns == (double)d.tail_ns);
	assert_true(r.releases == (double)e.releases);
	for (size_t i = 0; i < s.n; i++)
		*carried_ns += s.all[i].carried_ns;
	*given_ns += d.given_up_ns;
	*redivided += d.redivided;
	*otherwise += d.hold_ns != e.end.counters[LOCKSPAN_C_HOLD_NS];
	lsp_collector_destroy(f.c);
	free(s.all);
	free(s.outcomes);
}

static void all_hold_is_accounted_for(void **state)
{
	uint64_t carried_ns = 0, given_ns = 0;
	int redivided = 0, otherwise = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 500; seed++)
		check_one(seed, &carried_ns, &given_ns, &redivided, &otherwise);
	if (getenv("LSP_TEST_SHOW"))
		print_message("%d of 500 have virtual keys, %d another hold\n", redivided, otherwise);
	/* The cases that this test is for. */
	assert_true(carried_ns > 0 && given_ns > 0 && redivided > 250 && otherwise > 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_hold_is_accounted_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
