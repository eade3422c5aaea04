// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a releaser on a virtual key did. Would catch: parts that do not count once for each of the virtual key's waiters,
 * or reach back before its cut; the releaser's own wait for the lock taken for its doing; parts whose time is not known
 * put where it matters; a part of another virtual key with the name of a thread's word.
 *
 * sources: user/collect/roles/holds.c user/collect/roles/charges.c user/collect/roles/waits.c user/collect/roles/notes.c
 * sources: user/base/index.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/collect/roles/holds.h"

#define WHAT(why) ((uint64_t)LOCKSPAN_WHY_##why << LOCKSPAN_WHY_CALL_BITS)
#define KEY(n) (LOCKSPAN_WHY_KEYS + (n))
#define OTHER_VIRTUAL KEY(99)

/* Thread 2 gets the lock at 3000 and runs at 3100. Thread 4 queues in between, which ends the hand-over. */
static struct lsp_wait waits[] = {
	{ .key = KEY(1), .tid = 1, .enq_ns = 1000, .wake_ns = 5000, .run_ns = 5100, .by = 2, .release = 0 },
	{ .key = KEY(2), .tid = 2, .enq_ns = 2000, .wake_ns = 3000, .run_ns = 3100, .by = 3, .release = LSP_INDEX_NONE },
	{ .key = KEY(4), .tid = 4, .enq_ns = 3050, .wake_ns = 9000, .run_ns = 9100, .by = 5, .release = LSP_INDEX_NONE },
	/* And for another lock. */
	{ .key = KEY(3), .tid = 2, .enq_ns = 3500, .wake_ns = 4000, .run_ns = 4200, .by = 6, .release = LSP_INDEX_NONE, .group = 1 },
};

static struct lsp_virtual virtuals[] = { { .key = KEY(1) }, { .key = OTHER_VIRTUAL } };

static struct lockspan_why_part given[] = {
	{ 800, WHAT(RUNNING) }, { 200, WHAT(RUNNABLE) }, { 500, KEY(3) }, { 400, WHAT(RUNNING) },
	{ 100, WHAT(RUNNABLE) }, { 1000, KEY(2) }, { 1000, WHAT(RUNNING) },
};

struct got {
	struct lockspan_why_part part[32];
	size_t n;
	unsigned int calls;
};

static int take(void *arg, uint32_t wait, const struct lockspan_why_part *parts, size_t n)
{
	struct got *g = arg;

	assert_int_equal(wait, 0);
	assert_in_range(n, 1, 32);
	memcpy(g->part, parts, n * sizeof(*parts));
	g->n = n;
	g->calls++;
	return 0;
}

static uint64_t part_of(const struct got *g, uint64_t what)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < g->n; i++)
		if (g->part[i].what == what)
			sum += g->part[i].ns;
	return sum;
}

static void divide(uint16_t flags, uint16_t depth, struct got *g)
{
	struct lsp_parked p = { .waits = waits, .n = 4, .virtuals = virtuals, .nvirtuals = 2 };
	struct lsp_note note = { .time_ns = 5000, .hold_ns = 4000, .depth = depth, .flags = LOCKSPAN_RELEASE_WHY | flags };
	struct lsp_note_parts parted = { .n = sizeof(given) / sizeof(given[0]) };
	struct lsp_notes notes = { .notes = &note, .n = 1, .parted = &parted, .nparted = 1, .parts = given, .nparts = parted.n };
	uint64_t sum = 0;

	memset(g, 0, sizeof(*g));
	assert_int_equal(lsp_holds_divide(&p, &notes, take, g), 0);
	assert_int_equal(g->calls, 1);
	for (size_t i = 0; i < g->n; i++)
		sum += g->part[i].ns;
	assert_int_equal(sum, waits[0].hold_ns);
	assert_int_equal(sum, 2 * (5000 - 3050));
}

static void each_waiter_counts(void **state)
{
	struct got g;

	(void)state;
	divide(0, 1, &g);
	assert_int_equal(part_of(&g, WHAT(RUNNING)), 2 * 1200);
	assert_int_equal(part_of(&g, WHAT(RUNNABLE)), 2 * 200);
	assert_int_equal(part_of(&g, OTHER_VIRTUAL), 2 * 500);
	assert_int_equal(part_of(&g, WHAT(OTHERS)), 2 * 50);
	assert_int_equal(part_of(&g, WHAT(UNKNOWN)), 0);
}

/* Sums, of which some are of the time before the cut; and parts that are no times. */
static void what_is_not_known_is_unknown(void **state)
{
	struct got g;

	(void)state;
	divide(LOCKSPAN_RELEASE_SUMMED, 1, &g);
	assert_int_equal(part_of(&g, WHAT(UNKNOWN)), 2 * 1950);
	divide(0, 2, &g);
	assert_int_equal(part_of(&g, WHAT(UNKNOWN)), 2 * 1950);
	divide(LOCKSPAN_RELEASE_EVEN, 1, &g);
	assert_int_equal(part_of(&g, WHAT(UNKNOWN)), 2 * 1950);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_waiter_counts), cmocka_unit_test(what_is_not_known_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
