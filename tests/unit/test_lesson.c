// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a copied stack whose rules are never taught, taught before its
 * mappings are known, taught again and again, or only with a fold, which may be
 * seconds away while the module copies each stack like it.
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
#include <cmocka.h>

#include "fixture_collector.h"
#include "fixture_resolver.h"

static struct {
	unsigned int n;
	uint32_t generation;
	uint64_t pc;
} g_taught;

static void teach(void *arg, uint32_t generation, const struct lockspan_rule *rules, size_t n)
{
	assert_ptr_equal(arg, &g_taught);
	assert_int_equal(n, 1);
	g_taught.n++;
	g_taught.generation = generation;
	g_taught.pc = rules[0].pc;
}

static void feed_copied(struct feeder *f, uint64_t id, uint32_t generation, uint64_t rip)
{
	struct lockspan_stack s = {
		.rec = { .bytes = sizeof(s), .type = LOCKSPAN_REC_STACK }, .id = id, .tgid = 1,
		.generation = generation, .mode = LOCKSPAN_STACK_SPARSE,
	};

	s.regs[LOCKSPAN_REG_RIP] = rip;
	feed(f, &s);
}

static void feed_map(struct feeder *f, uint32_t generation, uint16_t flags)
{
	struct {
		struct lockspan_map m;
		char path[16];
	} m = {
		.m = { .rec = { .bytes = sizeof(m), .type = LOCKSPAN_REC_MAP, .flags = flags },
		       .start = 0x1000, .end = 0x2000, .tgid = 1, .generation = generation },
		.path = "/bin/prog",
	};

	feed(f, &m);
}

static void begin_teaching(struct feeder *f)
{
	const struct lsp_collector_options o = { .teach = teach, .teach_arg = &g_taught };

	begin(f);
	lsp_collector_destroy(f->c);
	assert_int_equal(lsp_collector_create(&o, &f->c), 0);
	g_taught.n = 0;
}

static void taught_at_once_and_once(void **state)
{
	struct feeder f;

	(void)state;
	begin_teaching(&f);
	feed_copied(&f, 10, 1, RIP(MUTEX, 0));
	assert_int_equal(g_taught.n, 1);
	assert_int_equal(g_taught.generation, 1);
	assert_int_equal(g_taught.pc, RIP(MUTEX, 0) - 1);
	/* Sent again, as after RESEND. */
	feed_copied(&f, 10, 1, RIP(MUTEX, 0));
	assert_int_equal(g_taught.n, 1);
	/* The same name in other mappings is another stack. */
	feed_copied(&f, 10, 2, RIP(MUTEX, 0));
	assert_int_equal(g_taught.n, 2);
	assert_int_equal(g_taught.generation, 2);
	/* Nothing can be taught of a process that the module does not follow. */
	feed_copied(&f, 11, 0, RIP(MUTEX, 1));
	assert_int_equal(g_taught.n, 2);
	lsp_collector_destroy(f.c);
}

static void waits_for_the_mappings(void **state)
{
	struct feeder f;

	(void)state;
	begin_teaching(&f);
	all_mapped = false;
	feed_copied(&f, 10, 1, RIP(MUTEX, 0));
	feed_copied(&f, 11, 1, RIP(COND, 0));
	assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_int_equal(g_taught.n, 0);
	feed_map(&f, 1, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST);
	assert_int_equal(g_taught.n, 2);
	feed_map(&f, 1, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST);
	assert_int_equal(lsp_collector_tick(f.c), 0);
	assert_int_equal(g_taught.n, 2);
	lsp_collector_destroy(f.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taught_at_once_and_once),
		cmocka_unit_test(waits_for_the_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
