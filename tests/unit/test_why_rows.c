// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: what holders did booked on another stack than theirs, counted as more releases or as
 * more or less blame than there was; what nobody knows left out; a label in recordings that did not ask; roots that
 * stay with a holder that waited for another, or of a recording in which events are missing.
 *
 * sources: user/collect/ user/collect/roles/ user/collect/roots/
 * sources: user/results/profiles.c user/results/unblamed.c user/results/why.c user/results/losses.c
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
 * sources: user/profile/pprof.c user/profile/pprof_write.c user/profile/pprof_encode.c
 * sources: user/profile/gzip.c user/profile/utf8.c
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
#include "fixture_collector.h"
#include "fixture_resolver.h"

#define PARTS_MAX 16

struct parted {
	struct lockspan_release r;
	struct lockspan_why_part part[PARTS_MAX];
};

#define WHAT(why) ((uint64_t)LOCKSPAN_WHY_##why << LOCKSPAN_WHY_CALL_BITS)
#define OTHER_LOCK (LOCKSPAN_WHY_KEYS + 6)
#define FSYNC (WHAT(CALL) | 74)

static void part_put(struct parted *p, uint64_t ns, uint64_t what)
{
	size_t n = (p->r.rec.bytes - sizeof(p->r)) / sizeof(p->part[0]);

	p->part[n] = (struct lockspan_why_part){ .ns = ns, .what = what };
	p->r.rec.bytes += sizeof(p->part[0]);
	p->r.rec.flags |= LOCKSPAN_RELEASE_WHY;
}

/* The sum of the mutex profile's samples with this label; NULL: without. *@count: of their releases. */
static double delay_of(const struct lsp_profile *p, const char *why, double *count)
{
	struct lsp_profile_sample s;
	double sum = 0;

	*count = 0;
	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++) {
		const char *has = NULL;

		for (size_t k = 0; k < s.nlabels; k++)
			if (!strcmp(s.labels[k].key, "why"))
				has = s.labels[k].str;
		if (why ? has && !strcmp(why, has) : !has) {
			sum += s.values[1];
			*count += s.values[0];
		}
	}
	return sum;
}

static void same(const struct lsp_profile *p, const char *why, double delay, double count)
{
	double found;

	assert_true(delay_of(p, why, &found) == delay);
	assert_true(found == count);
}

static void waits_put(struct feeder *f)
{
	struct lockspan_span w;

	feed_stack(f, 1, 10, RIP(MUTEX, 0));
	feed_stack(f, 1, 20, RIP(MUTEX, 1));
	w = span(10, 5, 1000);
	feed(f, &w);
	w = span(10, OTHER_LOCK, 1000);
	feed(f, &w);
}

static void parts_are_summed(void **state)
{
	const struct lsp_profiles_facts facts = { .session = "1" };
	struct lsp_profiles_summary s;
	struct lsp_profiles out;
	struct parted p = { 0 };
	struct feeder f;

	(void)state;
	begin(&f);
	waits_put(&f);
	p.r = release(20, 5, 1000);
	part_put(&p, 600, FSYNC);
	part_put(&p, 250, WHAT(RUNNING));
	part_put(&p, 150, OTHER_LOCK);
	feed(&f, &p);
	lsp_collector_tick(f.c);
	/* Again after a fold, in part; and one of which nothing is told, as from an interrupt. */
	p.r = release(20, 5, 100);
	part_put(&p, 30, WHAT(RUNNING));
	part_put(&p, 70, FSYNC);
	feed(&f, &p);
	p.r = release(20, 5, 40);
	feed(&f, &p);
	finish(&f, &s);
	assert_int_equal(lsp_profiles_create(f.c, &facts, &out), 0);
	same(out.mutex, "fsync", 670, 3);
	same(out.mutex, "running", 280, 0);
	same(out.mutex, "unknown", 40, 0);
	same(out.mutex, NULL, 0, 0);
	assert_int_equal(lsp_profile_samples(out.mutex), 4);
	assert_int_equal(lsp_profile_samples(out.ext), 3);
	lsp_profiles_destroy(&out);
	lsp_collector_destroy(f.c);
}

static void nobody_asked(void **state)
{
	const struct lsp_profiles_facts facts = { .session = "1" };
	struct lsp_profiles_summary s;
	struct lockspan_release r = release(20, 5, 1000);
	struct lsp_profiles out;
	struct feeder f;

	(void)state;
	begin(&f);
	waits_put(&f);
	feed(&f, &r);
	finish(&f, &s);
	assert_int_equal(lsp_profiles_create(f.c, &facts, &out), 0);
	same(out.mutex, NULL, 1000, 1);
	assert_int_equal(lsp_profile_samples(out.mutex), 1);
	lsp_profiles_destroy(&out);
	lsp_collector_destroy(f.c);
}

struct roots {
	uint64_t outer_ns, inner_ns, unknown_ns, other_ns;
};

static int root_take(void *arg, const struct lsp_root *root)
{
	struct roots *r = arg;

	if (!root->trace)
		*(strcmp(root->site, "[unknown]") ? &r->other_ns : &r->unknown_ns) += root->ns;
	else if (root->trace->frames[0].pc == RIP(MUTEX, 1))
		r->outer_ns += root->ns;
	else if (root->trace->frames[0].pc == RIP(MUTEX, 2))
		r->inner_ns += root->ns;
	return 0;
}

/* Thread 2 holds a lock, and waits for one of thread 3's half of the time. */
static void chain_put(struct feeder *f, uint32_t inner_fraction)
{
	struct lockspan_span w = span(10, 5, 1000);
	struct parted p = { .r = release(20, 5, 1000) };

	feed_stack(f, 1, 10, RIP(MUTEX, 0));
	feed_stack(f, 1, 20, RIP(MUTEX, 1));
	feed_stack(f, 1, 21, RIP(MUTEX, 2));
	w.id = 1;
	feed(f, &w);
	w = span(10, OTHER_LOCK, 0);
	w.id = 2;
	w.tid = 2;
	w.enq_ns = 1200;
	w.wake_ns = 1700;
	w.run_ns = 1710;
	feed(f, &w);
	p.r.span = 1;
	p.r.time_ns = 2000;
	part_put(&p, 500, WHAT(RUNNING));
	part_put(&p, 500, OTHER_LOCK);
	feed(f, &p);
	p.r = release(21, OTHER_LOCK, 500);
	p.r.span = 2;
	p.r.tid = 3;
	p.r.time_ns = 1700;
	p.r.fraction = inner_fraction;
	part_put(&p, 400, FSYNC);
	feed(f, &p);
}

static void blame_goes_on_to_who_was_waited_for(void **state)
{
	struct lsp_profiles_summary s;
	struct roots roots = { 0 };
	struct feeder f;

	(void)state;
	begin(&f);
	chain_put(&f, 1);
	finish(&f, &s);
	assert_null(lsp_collector_roots_missing(f.c));
	assert_int_equal(lsp_collector_roots(f.c, root_take, &roots), 0);
	assert_int_equal(roots.outer_ns, 500);
	assert_int_equal(roots.inner_ns, 400 + 400);
	assert_int_equal(roots.unknown_ns, 100 + 100);
	assert_int_equal(roots.other_ns, 0);
	lsp_collector_destroy(f.c);
}

/* Who was waited for may be just what was left out. */
static void a_sample_or_a_gap_has_no_roots(void **state)
{
	struct lsp_profiles_summary s;
	struct roots roots = { 0 };
	struct feeder f;

	(void)state;
	for (int gap = 0; gap < 2; gap++) {
		begin(&f);
		chain_put(&f, gap ? 1 : 2);
		f.seq += (uint64_t)gap;
		feed_stack(&f, 1, 30, RIP(MUTEX, 0));
		finish(&f, &s);
		assert_non_null(lsp_collector_roots_missing(f.c));
		assert_int_equal(lsp_collector_roots(f.c, root_take, &roots), 0);
		assert_int_equal(roots.outer_ns + roots.inner_ns + roots.unknown_ns + roots.other_ns, 0);
		lsp_collector_destroy(f.c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_summed), cmocka_unit_test(nobody_asked),
		cmocka_unit_test(blame_goes_on_to_who_was_waited_for), cmocka_unit_test(a_sample_or_a_gap_has_no_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
