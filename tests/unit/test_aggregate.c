// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: events summed under the wrong key or twice, a table that loses
 * rows when it grows, weights that bias a profile, handoff dropped with events
 * that are no contentions, stacks that change places or versions, memory that
 * grows with events.
 *
 * sources: user/collect/aggregate.c user/collect/why.c user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c
 * sources: kmod/core/sample.c user/profile/estimate.c
 * libs: -lm
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

#include "../../kmod/core/sample.h"
#include "../../user/collect/aggregate.h"
#include "../../user/capture/stackset.h"

#define KEYS 500
#define EVENTS 200000

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static struct lockspan_span random_span(void)
{
	static const uint64_t rates[] = { 1, 1, 1000, 100000 };
	struct lockspan_span s = { .enq_ns = random_next() % 1000000 };

	s.wake_ns = random_next() % 4 ? s.enq_ns + random_next() % 50000 : 0;
	s.run_ns = (s.wake_ns ? s.wake_ns : s.enq_ns) + random_next() % 9000;
	s.outcome = (uint8_t)(random_next() % LOCKSPAN_OUTCOME_COUNT);
	s.rate_ns = rates[random_next() % 4];
	s.handoff_ns = random_next() % 100;
	s.depth = (uint16_t)(1 + random_next() % 8);
	s.rec.flags = random_next() % 3 ? 0 : LOCKSPAN_SPAN_REWAIT;
	return s;
}

/* The straightforward way, with its own reading of semantics. */
static void model_add(struct lsp_sums *m, const struct lockspan_span *s)
{
	double d = (double)((s->wake_ns ? s->wake_ns : s->run_ns) - s->enq_ns);
	double p = fmin(1, fmax(d, 1) / (double)s->rate_ns);

	m->handoff_ns += (double)s->handoff_ns / p;
	if (s->outcome == LOCKSPAN_NOSLEEP || s->outcome == LOCKSPAN_ERROR)
		return;
	m->estimate.kept++;
	m->estimate.count += 1 / p;
	m->estimate.delay_ns += d / p;
	m->estimate.variance += (1 - p) * (d / p) * (d / p);
	m->estimate.largest_ns = fmax(m->estimate.largest_ns, d / p);
	m->sched_ns += s->wake_ns ? (double)(s->run_ns - s->wake_ns) / p : 0;
	m->depth += s->depth / p;
	m->rewaits += s->rec.flags & LOCKSPAN_SPAN_REWAIT ? 1 / p : 0;
}

static void near(double a, double b)
{
	if (fabs(a - b) > 1e-9 * (fabs(a) + fabs(b)) + 1e-9)
		fail_msg("%.17g is not %.17g", a, b);
}

static void same_sums(const struct lsp_sums *a, const struct lsp_sums *b)
{
	assert_int_equal(a->estimate.kept, b->estimate.kept);
	near(a->estimate.count, b->estimate.count);
	near(a->estimate.delay_ns, b->estimate.delay_ns);
	near(a->estimate.variance, b->estimate.variance);
	near(a->estimate.largest_ns, b->estimate.largest_ns);
	near(a->sched_ns, b->sched_ns);
	near(a->handoff_ns, b->handoff_ns);
	near(a->rewaits, b->rewaits);
	near(a->waiters, b->waiters);
	near(a->depth, b->depth);
}

static struct lsp_aggregate_key key_of(unsigned int i)
{
	/* Keys differ in one field each, by turns. */
	struct lsp_aggregate_key k = { .stack = 5, .lock = 5, .key = 5, .tgid = 5, .owner = 5 };

	switch (i % 7) {
	case 0: k.stack += i; break;
	case 1: k.lock += i; break;
	case 2: k.key += i; break;
	case 3: k.tgid += i; break;
	case 4: k.owner += i; break;
	case 5: k.comm += i; break;
	case 6: k.kind += i; break;
	}
	return k;
}

static void sums_equal_a_plain_recount(void **state)
{
	struct lsp_sums *model = calloc(KEYS, sizeof(*model));
	struct lsp_sums all = { 0 }, model_all = { 0 };
	struct lsp_aggregate a = { 0 };

	(void)state;
	for (int e = 0; e < EVENTS; e++) {
		unsigned int i = (unsigned int)(random_next() % KEYS) + 1;
		struct lsp_aggregate_key key = key_of(i);
		struct lockspan_span s = random_span();
		struct lsp_sums *to = lsp_aggregate_at(&a, &key);

		assert_non_null(to);
		lsp_sums_add_span(to, &s);
		model_add(&model[i - 1], &s);
		/* When it is done changes nothing, nor how often. */
		if (e % 97 == 0)
			lsp_sums_settle(to);
	}
	assert_int_equal(a.n, KEYS);
	for (unsigned int i = 1; i <= KEYS; i++) {
		struct lsp_aggregate_key key = key_of(i);

		lsp_sums_settle(lsp_aggregate_at(&a, &key));
		same_sums(lsp_aggregate_at(&a, &key), &model[i - 1]);
		lsp_sums_merge(&all, lsp_aggregate_at(&a, &key));
		lsp_sums_merge(&model_all, &model[i - 1]);
	}
	assert_int_equal(a.n, KEYS);
	same_sums(&all, &model_all);
	lsp_aggregate_uninit(&a);
	free(model);
}

static void releases_weigh_by_their_fraction(void **state)
{
	struct lockspan_release r = { .hold_ns = 700, .handoff_ns = 11, .fraction = 8, .waiters = 3 };
	struct lsp_sums sums = { 0 };

	(void)state;
	lsp_sums_add_release(&sums, &r);
	r.rec.flags = LOCKSPAN_RELEASE_LATE;
	r.fraction = 1;
	lsp_sums_add_release(&sums, &r);
	lsp_sums_settle(&sums);
	assert_int_equal(sums.estimate.kept, 2);
	near(sums.estimate.count, 9);
	near(sums.estimate.delay_ns, 700 * 9);
	near(sums.handoff_ns, 11 * 9);
	near(sums.waiters, 8 * 4 + 3);
	near(sums.estimate.largest_ns, 5600);
	near(sums.estimate.variance, 7.0 / 8 * 5600 * 5600);
}

/* With the module's own draw the estimates meet the truth at any rate, changed at will. */
static void estimates_are_unbiased(void **state)
{
	static const uint64_t rates[] = { 1, 700, 20000, 3000000 };
	struct lsp_random draw;
	double truth_ns = 0, truth = 0, sigma;
	struct lsp_sums sums = { 0 };

	(void)state;
	lsp_random_init(&draw, 7);
	for (int i = 0; i < 400000; i++) {
		struct lockspan_span s = { .rate_ns = rates[(i / 1000) % 4] };
		/* Mostly short, some a thousand times longer. */
		uint64_t wait = 1 + random_next() % (random_next() % 100 ? 2000 : 2000000);

		s.run_ns = wait;
		s.outcome = LOCKSPAN_TIMEOUT;
		truth += 1;
		truth_ns += (double)wait;
		if (lsp_sample_block(&draw, wait, s.rate_ns))
			lsp_sums_add_span(&sums, &s);
	}
	lsp_sums_settle(&sums);
	sigma = sqrt(sums.estimate.variance);
	assert_true(sums.estimate.kept < 300000);
	if (fabs(sums.estimate.delay_ns - truth_ns) > 4 * sigma)
		fail_msg("estimated %.0f ns of %.0f, %.1f sigma", sums.estimate.delay_ns, truth_ns,
			 (sums.estimate.delay_ns - truth_ns) / sigma);
	/* The count's own sigma is wide: a wait of 1 ns stands for three million. */
	assert_true(fabs(sums.estimate.count / truth - 1) < 0.3);
}

static struct lockspan_stack stack(uint64_t id, uint32_t tgid, uint32_t generation)
{
	return (struct lockspan_stack){
		.rec = { .bytes = sizeof(struct lockspan_stack), .type = LOCKSPAN_REC_STACK },
		.id = id, .tgid = tgid, .generation = generation,
	};
}

static void stacks_keep_their_places(void **state)
{
	struct lockspan_stack s;
	struct lsp_stackset set;
	uint32_t early, late, other, newer;

	(void)state;
	assert_int_equal(lsp_stackset_init(&set), 0);
	set.by_process = true;
	assert_int_equal(lsp_stackset_place(&set, 1, 0, 10, &early), 0);
	assert_int_equal(early, LSP_STACK_NOT_TAKEN);
	/* Named before it comes. */
	assert_int_equal(lsp_stackset_place(&set, 1, 42, 10, &early), 0);
	assert_false(set.stacks[early].arrived);
	assert_int_equal(set.stacks[early].asked_ns, 10);
	s = stack(42, 1, 7);
	assert_int_equal(lsp_stackset_put(&set, &s), 0);
	assert_int_equal(lsp_stackset_place(&set, 1, 42, 20, &late), 0);
	assert_int_equal(late, early);
	assert_int_equal(set.stacks[early].generation, 7);
	assert_int_equal(set.raw_bytes, sizeof(s));
	/* The same name in another process is another stack. */
	assert_int_equal(lsp_stackset_place(&set, 2, 42, 20, &other), 0);
	assert_int_not_equal(other, early);
	/* Once more: ignored. In a later generation: a stack of its own, the old one stays. */
	assert_int_equal(lsp_stackset_put(&set, &s), 0);
	assert_int_equal(set.raw_bytes, sizeof(s));
	s = stack(42, 1, 8);
	assert_int_equal(lsp_stackset_put(&set, &s), 0);
	assert_int_equal(lsp_stackset_place(&set, 1, 42, 30, &newer), 0);
	assert_int_not_equal(newer, early);
	assert_int_equal(set.stacks[early].generation, 7);
	assert_int_equal(set.stacks[newer].generation, 8);

	lsp_stackset_resolve(&set, early, 3);
	lsp_stackset_resolve(&set, newer, 4);
	assert_int_equal(set.raw_bytes, 0);
	assert_int_equal(set.stacks[newer].trace, 4);
	lsp_stackset_uninit(&set);
}

/* The module's names are: a process may name a stack that another with the same memory has sent, and before that. */
static void names_may_be_the_sessions(void **state)
{
	struct lockspan_stack s = stack(42, 1, 7);
	struct lsp_stackset set;
	uint32_t child, parent;

	(void)state;
	assert_int_equal(lsp_stackset_init(&set), 0);
	assert_int_equal(lsp_stackset_place(&set, 2, 42, 10, &child), 0);
	assert_int_equal(lsp_stackset_put(&set, &s), 0);
	assert_int_equal(lsp_stackset_place(&set, 1, 42, 20, &parent), 0);
	assert_int_equal(child, parent);
	assert_true(set.stacks[child].arrived);
	/* Its mappings are the sender's. */
	assert_int_equal(set.stacks[child].tgid, 1);
	lsp_stackset_uninit(&set);
}

/* A stack a name, as raw mode has it: what is not used any more makes room, the rest stays whole. */
static void compaction_drops_only_the_unused(void **state)
{
	struct lsp_stackset set;
	uint32_t *moved, place;
	size_t n;

	(void)state;
	assert_int_equal(lsp_stackset_init(&set), 0);
	for (uint64_t id = 1; id <= 3000; id++) {
		struct lockspan_stack s = stack(id, 1, 0);

		assert_int_equal(lsp_stackset_place(&set, 1, id, 1, &place), 0);
		if (id % 3 == 0)
			continue;	/* never comes */
		assert_int_equal(lsp_stackset_put(&set, &s), 0);
		if (id % 3 == 1)
			lsp_stackset_resolve(&set, place, (uint32_t)id);
	}
	/* The first time all have been used. */
	moved = calloc(set.n, sizeof(*moved));
	n = set.n;
	assert_int_equal(lsp_stackset_compact(&set, moved), 0);
	assert_int_equal(set.n, n);
	assert_int_equal(lsp_stackset_place(&set, 1, 1, 1, &place), 0);
	assert_int_equal(lsp_stackset_compact(&set, moved), 0);
	/* Left: none, number 1, those still raw and those still missing. */
	assert_int_equal(set.n, 1 + 1 + 2000);
	assert_int_equal(moved[LSP_STACK_NOT_TAKEN], LSP_STACK_NOT_TAKEN);
	assert_int_equal(moved[4], LSP_INDEX_NONE);
	for (uint64_t id = 1; id <= 3000; id++) {
		size_t before = set.n;

		assert_int_equal(lsp_stackset_place(&set, 1, id, 1, &place), 0);
		assert_int_equal(set.stacks[place].id, id);
		assert_int_equal(set.n - before, id % 3 == 1 && id != 1);
		if (id % 3 == 2)
			assert_non_null(set.stacks[place].raw);
		if (id == 1)
			assert_int_equal(set.stacks[place].trace, 1);
	}
	free(moved);
	lsp_stackset_uninit(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_equal_a_plain_recount),
		cmocka_unit_test(releases_weigh_by_their_fraction),
		cmocka_unit_test(estimates_are_unbiased),
		cmocka_unit_test(stacks_keep_their_places),
		cmocka_unit_test(names_may_be_the_sessions),
		cmocka_unit_test(compaction_drops_only_the_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
