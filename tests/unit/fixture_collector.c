// SPDX-License-Identifier: GPL-2.0-only
#include "fixture_collector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture_resolver.h"

void feed(struct feeder *f, const void *record)
{
	const struct lockspan_rec *rec = record;

	assert_int_equal(lsp_collector_feed(f->c, 0, f->seq++, record, rec->bytes), 0);
}

void feed_stack_of(struct feeder *f, uint32_t tgid, uint32_t generation, uint64_t id, uint64_t rip)
{
	struct lockspan_stack s = {
		.rec = { .bytes = sizeof(s), .type = LOCKSPAN_REC_STACK }, .id = id, .tgid = tgid,
		.generation = generation,
	};

	s.regs[LOCKSPAN_REG_RIP] = rip;
	feed(f, &s);
}

void feed_stack(struct feeder *f, uint32_t tgid, uint64_t id, uint64_t rip)
{
	feed_stack_of(f, tgid, 0, id, rip);
}

struct lockspan_span span(uint64_t stack, uint64_t key, uint64_t wait_ns)
{
	return (struct lockspan_span){
		.rec = { .bytes = sizeof(struct lockspan_span), .type = LOCKSPAN_REC_SPAN },
		.enq_ns = 1000, .wake_ns = 1000 + wait_ns, .run_ns = 1000 + wait_ns + 7,
		.key = key, .end_key = key, .uaddr = key * 8, .stack = stack, .rate_ns = 1,
		.tgid = 1, .tid = 1, .depth = 1, .op = LOCKSPAN_OP_WAIT, .comm = "w",
	};
}

struct lockspan_release release(uint64_t stack, uint64_t key, uint64_t hold_ns)
{
	return (struct lockspan_release){
		.rec = { .bytes = sizeof(struct lockspan_release), .type = LOCKSPAN_REC_RELEASE },
		.time_ns = 5000, .hold_ns = hold_ns, .key = key, .uaddr = key * 8, .stack = stack,
		.fraction = 1, .tgid = 1, .tid = 2, .waiter_tgid = 1, .waiters = 1,
		.op = LOCKSPAN_OP_WAIT, .comm = "r",
	};
}

void begin(struct feeder *f)
{
	const struct lsp_collector_options o = { .live = false, .roots = true };

	all_mapped = true;
	mapped_tgid = 0;
	stacks_resolved = 0;
	locks_in_variables = false;
	locks_native = true;
	sites_by_rip = false;
	memset(f, 0, sizeof(*f));
	assert_int_equal(lsp_collector_create(&o, &f->c), 0);
}

void finish(struct feeder *f, struct lsp_profiles_summary *s)
{
	assert_int_equal(lsp_collector_finish(f->c), 0);
	lsp_profiles_summary(f->c, s);
}
