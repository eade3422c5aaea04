// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: waits that no release answers for, which are missing beside the blame,
 * counted as blame, or shown for what is no lock; their having no stack taken for a loss.
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
#include "../../user/results/losses.h"
#include "../../user/results/profiles.h"
#include "fixture_collector.h"
#include "fixture_resolver.h"

/* One sample of @p that is labelled @kind: its count and time; false: none. */
static bool sample_of(const struct lsp_profile *p, const char *kind, struct lsp_profile_sample *ret)
{
	for (size_t i = 0; lsp_profile_sample(p, i, ret); i++)
		for (size_t k = 0; k < ret->nlabels; k++)
			if (ret->labels[k].str && !strcmp(ret->labels[k].key, "kind") &&
			    !strcmp(ret->labels[k].str, kind))
				return true;
	return false;
}

static void given_up_stands_beside_the_blame(void **state)
{
	const struct lsp_profiles_facts facts = { .session = "1" };
	struct lockspan_given_up g = {
		.rec = { .bytes = sizeof(g), .type = LOCKSPAN_REC_GIVEN_UP }, .time_ns = 6000, .key = 5,
		.uaddr = 40, .wait_ns = 700, .waits = 3, .tgid = 1, .tid = 1, .op = LOCKSPAN_OP_WAIT,
	};
	struct lsp_profiles_summary s;
	struct lsp_profile_sample sample;
	struct lockspan_span w;
	struct lockspan_release r;
	struct lsp_profiles out;
	struct lsp_losses losses;
	struct feeder f;

	(void)state;
	begin(&f);
	feed_stack(&f, 1, 10, RIP(MUTEX, 0));
	feed_stack(&f, 1, 20, RIP(MUTEX, 1));
	feed_stack(&f, 1, 30, RIP(COND, 2));
	w = span(10, 5, 1000);
	feed(&f, &w);
	r = release(20, 5, 60);
	feed(&f, &r);
	w = span(30, 6, 1000);
	feed(&f, &w);
	feed(&f, &g);
	g.waits = 1;
	g.wait_ns = 50;
	feed(&f, &g);
	/* The same of a condition variable. */
	g.key = 6;
	g.uaddr = 48;
	feed(&f, &g);
	finish(&f, &s);
	assert_true(s.given_up.count == 4 && s.given_up.delay_ns == 750);
	assert_int_equal(s.mutex.estimate.kept, 1);
	assert_true(s.mutex.estimate.delay_ns == 60);
	assert_int_equal(s.other.estimate.kept, 0);
	assert_int_equal(lsp_profiles_create(f.c, &facts, &out), 0);
	assert_int_equal(lsp_profile_samples(out.mutex), 2);
	assert_true(sample_of(out.mutex, "given_up", &sample));
	assert_true(sample.values[0] == 4 && sample.values[1] == 750);
	assert_int_equal(sample.nlocations, 1);
	assert_true(sample_of(out.mutex, "mutex", &sample));
	assert_true(sample.values[1] == 60);
	assert_false(sample_of(out.ext, "given_up", &sample));
	/* What has no stack by its nature is no loss. */
	lsp_losses_find(&(struct lsp_losses_source){ .collector = f.c, .end = NULL }, &losses);
	for (size_t i = 0; i < losses.n; i++)
		assert_string_not_equal(losses.losses[i].name, "no_stack");
	lsp_profiles_destroy(&out);
	lsp_collector_destroy(f.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(given_up_stands_beside_the_blame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
