// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: parts of a hold that do not come to its charge; a moment that counts for more or fewer
 * waiters than there were; sleep, lack of a processor and running taken for each other; time before
 * the releaser had the lock blamed on it; a history that is too long and says nothing of it.
 *
 * The model adds, at each tick, what the holder does just then to the sums of each waiter. It knows
 * neither absences nor changes.
 *
 * sources: kmod/core/why.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../kmod/core/ledger.h"
#include "../../kmod/core/why.h"

#define KEY (LOCKSPAN_WHY_KEYS + 1000)	/* that is released */
#define OTHER_KEY (LOCKSPAN_WHY_KEYS + 2000)
#define READ 0
#define FSYNC 74

enum doing { RUNS, NO_CPU, READS, SYNCS, WAITS, DOINGS };

static const struct {
	enum lockspan_why why;
	u16 call;
	u64 key;
} doings[DOINGS] = {
	[RUNS] = { LOCKSPAN_WHY_RUNNING, 0, 0 },
	[NO_CPU] = { LOCKSPAN_WHY_RUNNABLE, 0, 0 },
	[READS] = { LOCKSPAN_WHY_CALL, READ, 0 },
	[SYNCS] = { LOCKSPAN_WHY_CALL, FSYNC, 0 },
	[WAITS] = { .key = OTHER_KEY },
};

static struct lsp_why_times times;

static u64 what_of(enum doing d)
{
	return doings[d].key ? doings[d].key : lsp_why_what(doings[d].why, doings[d].call);
}

struct split {
	struct lockspan_why_part part[LSP_WHY_PARTS];
	u32 parts;
	u16 flags;
};

static u64 part_of(const struct split *s, u64 what)
{
	u64 sum = 0;

	for (u32 i = 0; i < s->parts; i++)
		if (s->part[i].what == what)
			sum += s->part[i].ns;
	return sum;
}

static u64 part_sum(const struct split *s)
{
	u64 sum = 0;

	assert_in_range(s->parts, 1, LSP_WHY_PARTS);
	for (u32 i = 0; i < s->parts; i++) {
		assert_int_not_equal(s->part[i].ns, 0);
		sum += s->part[i].ns;
	}
	return sum;
}

static unsigned int shorts;

static void split(const struct lsp_why_history *h, u64 running_ns, const struct lsp_why_crowd *c,
		  const struct lsp_why_hold *hold, struct split *ret)
{
	struct lockspan_why_part part[LSP_WHY_PARTS];
	u32 parts = h ? lsp_why_split_short(h, c, hold, part) : 0, same = 0;

	ret->parts = lsp_why_split(h, running_ns, c, hold, ret->part, &ret->flags);
	/* The short way comes to the same. */
	for (u32 i = 0; i < parts; i++) {
		if (!part[i].ns)
			continue;
		assert_int_equal(part[i].what, ret->part[same].what);
		assert_int_equal(part[i].ns, ret->part[same++].ns);
	}
	if (parts)
		assert_int_equal(same, ret->parts);
	shorts += !!parts;
}

/* ---- against the model ---- */

#define WAITERS 12
#define SEEDS 300
#define TICKS 3000

struct waiter {
	bool waits, woken;
	struct lsp_ledger_wait wait;
	u64 did[DOINGS];
};

struct world {
	struct lsp_ledger ledger;
	struct lsp_why_crowd crowd;
	struct lsp_why_history history;
	struct waiter waiters[WAITERS];
	u64 carried[DOINGS];
	enum doing doing;
	unsigned int compared, summed, crowds;
};

static void bases_move(struct world *w)
{
	for (int i = 0; i < WAITERS; i++)
		memset(w->waiters[i].did, 0, sizeof(w->waiters[i].did));
}

static void waiter_enq(struct world *w, struct waiter *one, u64 t)
{
	if (lsp_ledger_carries(&w->ledger)) {
		lsp_ledger_expire(&w->ledger, t);
		if (!lsp_ledger_carries(&w->ledger)) {
			lsp_why_crowd_clear(&w->crowd);
			memset(w->carried, 0, sizeof(w->carried));
		}
	}
	if (w->ledger.handoff)
		bases_move(w);
	lsp_ledger_enq(&w->ledger, &one->wait, t);
	lsp_why_crowd_enq(&w->crowd, &w->ledger, t);
	memset(one->did, 0, sizeof(one->did));
	one->waits = true;
}

static void waiter_leave(struct world *w, struct waiter *one, u64 t, bool gives_up)
{
	struct lsp_ledger_rest rest = lsp_ledger_leave(&w->ledger, &one->wait, t,
						       gives_up ? LSP_LEDGER_GAVE_UP : LSP_LEDGER_GONE);

	lsp_why_crowd_leave(&w->crowd, &w->ledger, one->wait.enq_ns, t, rest.carried);
	for (int d = 0; d < DOINGS && rest.carried; d++)
		w->carried[d] += one->did[d];
	one->waits = false;
}

static void waiter_release(struct world *w, struct waiter *one, u64 t)
{
	struct lsp_why_hold hold = { .cut_ns = w->ledger.cut_ns, .now_ns = t, .key = KEY, .waiters = w->ledger.waiters };
	const struct lsp_why_crowd *crowd = lsp_why_crowd_is(&w->crowd, &w->ledger) ? &w->crowd : NULL;
	bool held = !w->ledger.handoff;
	struct lsp_ledger_charge charge;
	struct split s;

	if (!crowd && w->ledger.waiters == 1 && w->ledger.base_sum > hold.cut_ns)
		hold.cut_ns = w->ledger.base_sum;
	w->crowds += !!crowd;
	charge = lsp_ledger_release(&w->ledger, &one->wait, t);
	hold.charge_ns = charge.hold_ns;
	one->waits = false;
	one->woken = true;
	if (held && charge.hold_ns) {
		split(&w->history, 0, crowd, &hold, &s);
		assert_int_equal(part_sum(&s), charge.hold_ns);
		assert_false(s.flags & LOCKSPAN_RELEASE_EVEN);
		w->summed += !!(s.flags & LOCKSPAN_RELEASE_SUMMED);
		for (int d = 0; d < DOINGS && !s.flags; d++) {
			u64 sum = one->did[d] + w->carried[d];

			for (int i = 0; i < WAITERS; i++)
				if (w->waiters[i].waits)
					sum += w->waiters[i].did[d];
			assert_int_equal(part_of(&s, what_of(d)), sum);
			w->compared++;
		}
	}
	memset(w->carried, 0, sizeof(w->carried));
	bases_move(w);
}

static void tick(struct world *w, u64 t)
{
	struct waiter *one = &w->waiters[rand() % WAITERS];

	for (int i = 0; i < WAITERS; i++)
		if (w->waiters[i].waits)
			w->waiters[i].did[w->doing] += 1000;
	if (rand() % 40 == 0) {
		enum doing next = w->doing == RUNS ? 1 + rand() % (DOINGS - 1) : RUNS;

		if (next == RUNS)
			lsp_why_in(&w->history, t, 0, &times);
		else
			lsp_why_out(&w->history, t, what_of(next));
		w->doing = next;
	}
	if (one->woken) {
		if (w->ledger.handoff && one->wait.epoch == w->ledger.epoch)
			bases_move(w);
		lsp_ledger_run(&w->ledger, &one->wait, t);
		one->woken = false;
	} else if (!one->waits && rand() % 20 == 0) {
		waiter_enq(w, one, t);
	} else if (one->waits && rand() % 60 == 0) {
		waiter_leave(w, one, t, rand() % 2);
	} else if (one->waits && w->doing == RUNS && rand() % 15 == 0) {
		waiter_release(w, one, t);
	}
}

static void test_model(void **state)
{
	unsigned int compared = 0, summed = 0, crowds = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		struct world w = { .doing = RUNS };

		srand(seed);
		lsp_ledger_init(&w.ledger, 0);
		lsp_why_crowd_init(&w.crowd);
		lsp_why_begin(&w.history, 1000);
		for (u64 t = 1; t < TICKS; t++)
			tick(&w, t * 1000);
		compared += w.compared;
		crowds += w.crowds;
		summed += w.summed;
	}
	assert_true(compared > 10000);
	assert_in_range(shorts, compared / DOINGS / 2, compared / DOINGS - 1);
	assert_in_range(crowds, 1000, compared / DOINGS - 1000);
	assert_true(summed < compared / 10);
}

/* ---- examples ---- */

/* One waiter from the cut on. */
static void split_one(const struct lsp_why_history *h, u64 from, u64 now, struct split *s)
{
	struct lsp_why_hold hold = {
		.cut_ns = from, .now_ns = now, .charge_ns = now - from, .key = KEY, .waiters = 1,
	};

	split(h, 0, NULL, &hold, s);
	assert_int_equal(part_sum(s), now - from);
}

static void part_is(const struct split *s, u32 i, enum doing d, u64 ns)
{
	assert_in_range(i, 0, s->parts - 1);
	assert_int_equal(s->part[i].what, what_of(d));
	assert_int_equal(s->part[i].ns, ns);
}

static void test_woken(void **state)
{
	struct lsp_why_history h;
	struct split s;

	(void)state;
	lsp_why_begin(&h, 100);
	lsp_why_out(&h, 1000, what_of(SYNCS));
	lsp_why_in(&h, 4500, 4000, &times);
	split_one(&h, 500, 6000, &s);
	part_is(&s, 0, RUNS, 1500);
	part_is(&s, 1, NO_CPU, 500);
	part_is(&s, 2, SYNCS, 3000);
	part_is(&s, 3, RUNS, 500);
	assert_int_equal(s.parts, 4);
	assert_int_equal(s.flags, 0);

	/* A wake-up from before it slept is none; nor does a preempted thread need one. */
	lsp_why_out(&h, 6000, what_of(READS));
	lsp_why_in(&h, 7000, 4000, &times);
	lsp_why_out(&h, 8000, what_of(NO_CPU));
	lsp_why_in(&h, 9000, 4000, &times);
	split_one(&h, 6000, 10000, &s);
	part_is(&s, 0, RUNS, 1000);
	part_is(&s, 1, NO_CPU, 1000);
	part_is(&s, 2, RUNS, 1000);
	part_is(&s, 3, READS, 1000);

	/* It begins within a sleep, and within the time without a processor. */
	split_one(&h, 6300, 10000, &s);
	part_is(&s, 3, READS, 700);
	split_one(&h, 8200, 10000, &s);
	part_is(&s, 1, NO_CPU, 800);
	assert_int_equal(s.parts, 2);
	split_one(&h, 9100, 10000, &s);
	part_is(&s, 0, RUNS, 900);
	assert_int_equal(s.parts, 1);

	/* It was woken in the moment in which it was preempted. */
	lsp_why_out(&h, 10000, what_of(NO_CPU));
	lsp_why_in(&h, 11000, 10400, &times);
	split_one(&h, 10000, 11500, &s);
	assert_int_equal(part_of(&s, what_of(NO_CPU)), 1000);
}

/* Processors disagree about the time: nothing becomes negative. */
static void test_clock(void **state)
{
	struct lsp_why_history h;
	struct split s;

	(void)state;
	lsp_why_begin(&h, 1000);
	lsp_why_out(&h, 900, what_of(READS));
	lsp_why_in(&h, 950, 970, &times);
	lsp_why_out(&h, 2000, what_of(READS));
	lsp_why_in(&h, 1990, 3000, &times);
	split_one(&h, 500, 2500, &s);
	assert_int_equal(part_of(&s, what_of(RUNS)), 1500);
	assert_int_equal(part_of(&s, LSP_WHY_WHAT(UNKNOWN)), 500);
}

/* Up to its own turn a releaser has had no part in it; another lock that it waits for is its doing. */
static void test_others(void **state)
{
	struct lsp_why_history h;
	struct split s;

	(void)state;
	lsp_why_begin(&h, 100);
	lsp_why_out(&h, 1000, what_of(READS));
	lsp_why_in(&h, 1500, 0, &times);
	lsp_why_out(&h, 2000, KEY);
	lsp_why_in(&h, 3500, 3000, &times);
	lsp_why_out(&h, 4000, OTHER_KEY);
	lsp_why_in(&h, 4700, 4600, &times);
	split_one(&h, 500, 5000, &s);
	assert_int_equal(part_of(&s, LSP_WHY_WHAT(OTHERS)), 3000);
	assert_int_equal(part_of(&s, OTHER_KEY), 600);
	assert_int_equal(part_of(&s, what_of(NO_CPU)), 100);
	assert_int_equal(part_of(&s, what_of(RUNS)), 800);
}

static void test_unknown(void **state)
{
	struct lsp_why_history h;
	struct split s;
	struct lsp_why_hold hold = { .cut_ns = 500, .now_ns = 1500, .charge_ns = 1000, .key = KEY, .waiters = 1 };

	(void)state;
	lsp_why_begin(&h, 1000);
	split_one(&h, 600, 1500, &s);
	assert_int_equal(part_of(&s, LSP_WHY_WHAT(UNKNOWN)), 400);
	assert_int_equal(part_of(&s, what_of(RUNS)), 500);

	split(NULL, 1200, NULL, &hold, &s);
	assert_int_equal(part_of(&s, what_of(RUNS)), 300);
	assert_int_equal(part_of(&s, LSP_WHY_WHAT(UNKNOWN)), 700);
}

/* A hold of 100 sleeps: the oldest are summed up. All of them lie in the hold, so the sums stay exact. */
static void test_long(void **state)
{
	struct lsp_why_history h;
	struct split s;
	u64 t = 1000;

	(void)state;
	lsp_why_begin(&h, t);
	for (int i = 0; i < 100; i++) {
		lsp_why_out(&h, t + 30, what_of(i % 4 ? READS : SYNCS));
		lsp_why_in(&h, t + 100, t + 90, &times);
		t += 100;
	}
	split_one(&h, 1000, t, &s);
	assert_int_equal(s.flags, LOCKSPAN_RELEASE_SUMMED);
	assert_int_equal(part_of(&s, what_of(READS)), 75 * 60);
	assert_int_equal(part_of(&s, what_of(SYNCS)), 25 * 60);
	assert_int_equal(part_of(&s, what_of(RUNS)), 100 * 30);
	assert_int_equal(part_of(&s, what_of(NO_CPU)), 100 * 10);

	/* The last 36 sleeps are always kept one by one. */
	split_one(&h, t - 3550, t, &s);
	assert_int_equal(s.flags, 0);
	assert_int_equal(part_of(&s, what_of(RUNS)), 35 * 30);

	/* It began in the middle, where nothing is kept of single sleeps: then what is near it speaks for it. */
	split_one(&h, t - 5000, t, &s);
	assert_int_equal(s.flags, LOCKSPAN_RELEASE_SUMMED);
	assert_in_range(part_of(&s, what_of(READS)) + part_of(&s, what_of(SYNCS)), 2950, 3050);
}

/* Before a hold of 200 short sleeps the thread slept for long: that is not to be taken for the hold. */
static void test_long_before(void **state)
{
	struct lsp_why_history h;
	struct split s;
	u64 t = 1000, begin;

	(void)state;
	lsp_why_begin(&h, t);
	for (int i = 0; i < 50; i++) {
		lsp_why_out(&h, t += 1000, what_of(SYNCS));
		lsp_why_in(&h, t += 100000, 0, &times);
	}
	begin = t;
	for (int i = 0; i < 200; i++) {
		lsp_why_out(&h, t += 700, what_of(READS));
		lsp_why_in(&h, t += 300, 0, &times);
	}
	split_one(&h, begin, t, &s);
	assert_int_equal(s.flags, LOCKSPAN_RELEASE_SUMMED);
	assert_in_range(part_of(&s, what_of(READS)), 200 * 300 * 9 / 10, 200 * 300);
	assert_in_range(part_of(&s, what_of(RUNS)), 200 * 700 * 9 / 10, 200 * 700);
}

/*
 * Holds of 100 to 218 short sleeps, one after the other, and between them another kind of sleep: each hold has its own
 * shares, but for one point.
 */
static void test_long_between(void **state)
{
	struct lsp_why_history h;
	u64 t = 1000, begin, asleep_ns;
	struct split s;

	(void)state;
	lsp_why_begin(&h, t);
	for (int hold = 0; hold < 60; hold++) {
		for (int i = 0; i < 9; i++) {
			lsp_why_out(&h, t += 5000, what_of(READS));
			lsp_why_in(&h, t += 250000, 0, &times);
		}
		begin = t;
		asleep_ns = 0;
		for (int i = 0; i < 100 + 2 * hold; i++) {
			u64 ns = 50000 + 5000 * (u64)(i % 7);

			lsp_why_out(&h, t += 60000, what_of(SYNCS));
			lsp_why_in(&h, t += ns, 0, &times);
			asleep_ns += ns;
		}
		split_one(&h, begin, t, &s);
		assert_in_range(100 * part_of(&s, what_of(SYNCS)), 100 * asleep_ns - (t - begin),
				100 * asleep_ns + (t - begin));
		assert_in_range(100 * part_of(&s, what_of(READS)), 0, t - begin);
	}
}

static u64 time_of(u64 what)
{
	u64 found, ns, sum = 0;

	for (u32 i = 0; i < LSP_WHY_TIMES; i++) {
		ns = *lsp_why_times_at(&times, i, &found);
		sum += found == what ? ns : 0;
	}
	return sum;
}

/* All that a thread did is in the sums, each moment once, however much of it is forgotten, and whatever it did last. */
static void test_times(void **state)
{
	const u64 large = lsp_why_what(LOCKSPAN_WHY_CALL, 700), compat = lsp_why_what(LOCKSPAN_WHY_CALL_COMPAT, 3);
	u64 did[DOINGS] = { 0 }, t, begin, did_large, did_compat, slept;
	struct lsp_why_history h;

	(void)state;
	for (int n = 0; n < 150; n++) {
		memset(&times, 0, sizeof(times));
		memset(did, 0, sizeof(did));
		memset(&h, n, sizeof(h));
		did_large = did_compat = 0;
		begin = t = 1000;
		lsp_why_begin(&h, t);
		for (int i = 0; i < n; i++) {
			enum doing d = 1 + rand() % (DOINGS - 1);
			u64 what = i % 7 == 3 ? large : i % 7 == 5 ? compat : what_of(d);

			slept = (u64)rand() % 1000;
			did[RUNS] += 70;
			lsp_why_out(&h, t += 70, what);
			*(what == large ? &did_large : what == compat ? &did_compat : &did[d]) += slept;
			did[NO_CPU] += 20;
			lsp_why_in(&h, t + slept + 20, t + slept, &times);
			t += slept + 20;
		}
		/* It runs, sleeps, or has been woken when it ends. */
		did[RUNS] += 50;
		t += 50;
		if (n % 3) {
			lsp_why_out(&h, t, what_of(SYNCS));
			did[SYNCS] += 100;
			did[NO_CPU] += n % 3 == 2 ? 400 : 0;
			h.woken_ns = n % 3 == 2 ? t + 100 : 0;
			t += n % 3 == 2 ? 500 : 100;
		}
		lsp_why_end(&h, t, &times);
		assert_false(h.known);
		for (int d = 0; d < DOINGS; d++)
			if (d != WAITS)
				assert_int_equal(time_of(what_of(d)), did[d]);
		assert_int_equal(time_of(LSP_WHY_WHAT(FUTEX)), did[WAITS]);
		assert_int_equal(time_of(lsp_why_what(LOCKSPAN_WHY_CALL, ~0U)), did_large);
		assert_int_equal(time_of(compat), did_compat);
		assert_int_equal(did[RUNS] + did[NO_CPU] + did[READS] + did[SYNCS] + did[WAITS] + did_large + did_compat, t - begin);
	}
}

/* More kinds of parts than there are sums and places: what is left over is unknown, and still adds up. */
static void test_kinds(void **state)
{
	struct lsp_why_history h;
	struct split s;
	u64 t = 1000, known = 0;

	(void)state;
	lsp_why_begin(&h, t);
	for (u32 i = 0; i < 40; i++) {
		lsp_why_out(&h, t, lsp_why_what(LOCKSPAN_WHY_CALL, i));
		lsp_why_in(&h, t += 100, 0, &times);
	}
	split_one(&h, t - 2400, t, &s);
	for (u32 i = 0; i < 40; i++)
		known += part_of(&s, lsp_why_what(LOCKSPAN_WHY_CALL, i));
	assert_int_equal(s.parts, LSP_WHY_PARTS);
	assert_int_equal(known, (LSP_WHY_PARTS - 1) * 100);
	assert_int_equal(part_of(&s, LSP_WHY_WHAT(UNKNOWN)), 2400 - known);

	/* And where all is summed up: four kinds of a block have a place. */
	split_one(&h, 1000, t, &s);
	assert_int_equal(s.parts, LSP_WHY_PARTS);
}

/* 100 waiters come while the lock is held: when they came cannot be kept, but when the first one did. */
static void test_crowded(void **state)
{
	struct lsp_why_history h;
	struct split s;
	struct lsp_why_crowd c;
	struct lsp_ledger l;
	struct lsp_ledger_wait waits[100];
	struct lsp_why_hold hold = { .now_ns = 11000000000, .key = KEY, .waiters = 100 };

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_why_crowd_init(&c);
	lsp_why_begin(&h, 1);
	lsp_why_out(&h, 6000000000, what_of(SYNCS));
	lsp_why_in(&h, 11000000000, 0, &times);
	for (u32 i = 0; i < 100; i++) {
		lsp_ledger_enq(&l, &waits[i], 1000000000 + i);
		lsp_why_crowd_enq(&c, &l, 1000000000 + i);
	}
	assert_true(lsp_why_crowd_is(&c, &l));
	hold.charge_ns = lsp_ledger_release(&l, &waits[0], hold.now_ns).hold_ns;
	split(&h, 0, &c, &hold, &s);
	assert_int_equal(s.flags, LOCKSPAN_RELEASE_EVEN);
	assert_int_equal(part_sum(&s), hold.charge_ns);
	assert_in_range(part_of(&s, what_of(SYNCS)), hold.charge_ns / 2 - 5000, hold.charge_ns / 2 + 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model), cmocka_unit_test(test_woken), cmocka_unit_test(test_others),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_long), cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_long_before), cmocka_unit_test(test_long_between), cmocka_unit_test(test_times), cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
