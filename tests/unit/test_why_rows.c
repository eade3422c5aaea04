// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: what holders did booked on another stack than theirs, counted as more releases or as
 * more or less blame than there was; what nobody knows left out; a label in recordings that did not ask.
 *
 * sources: user/collect/ user/collect/roles/
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_summed), cmocka_unit_test(nobody_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
