// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a profile read while recording in which a sample shrinks,
 * vanishes or goes by another name than in the one before: because the lock's
 * waits have come to be of another class, a second process has come, or a stack
 * came late. Whoever takes differences would count negatively, or twice.
 * sources: user/collect/ user/collect/roles/ user/collect/roots/
 * sources: user/results/profiles.c user/results/unblamed.c user/results/why.c user/results/losses.c
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
 * sources: user/profile/pprof.c user/profile/pprof_write.c user/profile/pprof_encode.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/gzip.c user/profile/utf8.c
 * sources: user/profile/profile.pb-c.c user/profile/estimate.c
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
#include "../../user/results/profiles.h"
#include "fixture_resolver.h"

#define SESSION "2026-01-02T03:04:05.678Z"

static struct lsp_collector *g_collector;
static uint64_t g_seq;

static void feed(const void *record)
{
	const struct lockspan_rec *rec = record;

	assert_int_equal(lsp_collector_feed(g_collector, 0, g_seq++, record, rec->bytes), 0);
}

static void feed_stack(uint32_t tgid, uint64_t id, uint64_t rip)
{
	struct lockspan_stack s = {
		.rec = { .bytes = sizeof(s), .type = LOCKSPAN_REC_STACK }, .id = id, .tgid = tgid,
	};

	s.regs[LOCKSPAN_REG_RIP] = rip;
	feed(&s);
}

static void feed_waits(uint32_t tgid, uint64_t stack, unsigned int n)
{
	const struct lockspan_span s = {
		.rec = { .bytes = sizeof(s), .type = LOCKSPAN_REC_SPAN },
		.enq_ns = 1000, .wake_ns = 1100, .run_ns = 1107, .key = 5, .end_key = 5, .uaddr = 40,
		.stack = stack, .rate_ns = 1, .tgid = tgid, .tid = tgid, .depth = 1,
		.op = LOCKSPAN_OP_WAIT, .comm = "w",
	};

	while (n--)
		feed(&s);
}

static void feed_release(uint32_t tgid, uint64_t stack)
{
	const struct lockspan_release r = {
		.rec = { .bytes = sizeof(r), .type = LOCKSPAN_REC_RELEASE },
		.time_ns = 5000, .hold_ns = 60, .key = 5, .uaddr = 40, .stack = stack, .fraction = 1,
		.tgid = tgid, .tid = 2, .waiter_tgid = tgid, .waiters = 1, .op = LOCKSPAN_OP_WAIT,
		.comm = "r",
	};

	feed(&r);
}

static void begin(bool steady)
{
	const struct lsp_collector_options o = { .steady = steady };

	all_mapped = true;
	mapped_tgid = 0;
	g_seq = 0;
	assert_int_equal(lsp_collector_create(&o, &g_collector), 0);
}

static void look(struct lsp_profiles *ret)
{
	const struct lsp_profiles_facts facts = {
		.rates = { .block_rate_ns = 1, .mutex_fraction = 1 }, .session = SESSION,
	};

	assert_int_equal(lsp_collector_tick(g_collector), 0);
	assert_int_equal(lsp_profiles_create(g_collector, &facts, ret), 0);
}

/* By addresses and labels alone, as scrapers know a sample. */
static void name_make(const struct lsp_profile *p, const struct lsp_profile_sample *s, char *to,
		      size_t bytes)
{
	struct lsp_profile_location l;
	int n = 0;

	for (size_t i = 0; i < s->nlocations; i++) {
		assert_true(lsp_profile_location(p, s->locations[i], &l));
		n += snprintf(to + n, bytes - (size_t)n, "%llx ", (unsigned long long)l.address);
	}
	for (size_t i = 0; i < s->nlabels; i++)
		n += snprintf(to + n, bytes - (size_t)n, "%s=%s/%lld ", s->labels[i].key,
			      s->labels[i].str ? s->labels[i].str : "", (long long)s->labels[i].num);
}

static const double *find(const struct lsp_profile *p, const char *name)
{
	struct lsp_profile_sample s;
	char have[1024];

	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++) {
		name_make(p, &s, have, sizeof(have));
		if (!strcmp(have, name))
			return s.values;
	}
	return NULL;
}

/* Samples of @before that are not in @after with as much or more. */
static unsigned int shrunk(const struct lsp_profile *before, const struct lsp_profile *after)
{
	struct lsp_profile_sample s;
	unsigned int n = 0;
	char name[1024];

	for (size_t i = 0; lsp_profile_sample(before, i, &s); i++) {
		const double *values;

		name_make(before, &s, name, sizeof(name));
		values = find(after, name);
		n += !values || values[0] < s.values[0] || values[1] < s.values[1];
	}
	return n;
}

static unsigned int labelled(const struct lsp_profile *p, const char *key)
{
	struct lsp_profile_sample s;
	unsigned int n = 0;

	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++)
		for (size_t k = 0; k < s.nlabels; k++)
			n += !strcmp(s.labels[k].key, key);
	return n;
}

/* A release that does not say of what, on a lock that waits show to be one thing, then another. */
static unsigned int class_changes(bool steady, size_t *samples_ret)
{
	struct lsp_profiles one, two;
	unsigned int n;

	begin(steady);
	feed_stack(1, 10, RIP(MUTEX, 0));
	feed_stack(1, 11, RIP(RWLOCK_WR, 0));
	feed_stack(1, 20, RIP(OTHER, 1));
	feed_waits(1, 10, 1);
	feed_release(1, 20);
	look(&one);
	assert_int_equal(lsp_profile_samples(one.mutex), 1);
	feed_waits(1, 11, 10);
	feed_release(1, 20);
	look(&two);
	*samples_ret = lsp_profile_samples(two.mutex);
	n = shrunk(one.mutex, two.mutex) + shrunk(one.block, two.block);
	lsp_profiles_destroy(&one);
	lsp_profiles_destroy(&two);
	lsp_collector_destroy(g_collector);
	return n;
}

static void a_lock_keeps_its_class(void **state)
{
	size_t samples;

	(void)state;
	assert_int_equal(class_changes(true, &samples), 0);
	assert_int_equal(samples, 1);
	/* Without being told so it takes what most waits are, which is right at the end of a recording. */
	assert_int_equal(class_changes(false, &samples), 1);
}

static void processes_come_and_stacks_are_late(void **state)
{
	struct lsp_profiles one, two, three;

	(void)state;
	begin(true);
	feed_stack(1, 10, RIP(MUTEX, 0));
	feed_stack(1, 20, RIP(MUTEX, 1));
	feed_waits(1, 10, 3);
	feed_release(1, 20);
	look(&one);
	assert_int_equal(lsp_profile_samples(one.block), 1);
	assert_int_equal(labelled(one.block, "pid"), 1);
	assert_int_equal(labelled(one.mutex, "session"), 1);

	/* A second process, and events whose stack is still on its way. */
	feed_stack(2, 30, RIP(MUTEX, 0));
	feed_waits(2, 30, 1);
	feed_waits(1, 40, 5);
	feed_release(1, 20);
	look(&two);
	assert_int_equal(shrunk(one.block, two.block), 0);
	assert_int_equal(shrunk(one.mutex, two.mutex), 0);
	assert_int_equal(lsp_profile_samples(two.block), 2);

	feed_stack(1, 40, RIP(COND, 2));
	look(&three);
	assert_int_equal(shrunk(two.block, three.block), 0);
	assert_int_equal(lsp_profile_samples(three.block), 3);
	assert_int_equal(labelled(three.block, "session"), 3);
	lsp_profiles_destroy(&one);
	lsp_profiles_destroy(&two);
	lsp_profiles_destroy(&three);
	lsp_collector_destroy(g_collector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_keeps_its_class),
		cmocka_unit_test(processes_come_and_stacks_are_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
