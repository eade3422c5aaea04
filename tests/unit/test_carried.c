// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a rule for waits that nobody ended which does not give their holder his blame back.
 *
 * Simulates one lock with a holder that keeps it 195 ms, 25 times, and then 10 ms, 100 times. Victims
 * want it with a timeout of 20 ms and try again after a gap. The truth is what they waited
 * during holds of each length, added up wait by wait. The expected numbers are those of a model in
 * another language, which has the rule but not this ledger.
 * libs: -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>

#include "../../kmod/core/ledger.h"

#define US 1000ULL
#define MS 1000000ULL
#define VICTIMS_MAX 8
#define LATENCY_NS (30 * US)
#define LONG_HOLDS 25
#define ALL_HOLDS 125

enum next { WANT, UNLOCK, EXPIRE, WAKE, NOTHING };
enum site { LONG, SHORT, VICTIM, SITES };

struct thread {
	enum next next;
	u64 at_ns;
	enum site site;
	bool waits;
	u64 arrival;		/* order in the queue */
	struct lsp_ledger_wait wait;
};

struct world {
	struct thread threads[1 + VICTIMS_MAX];
	int n;
	struct thread *owner;
	u64 since_ns, gap_ns, arrivals, random;
	unsigned int holds;
	struct lsp_ledger ledger;
	u64 truth_ns[SITES], blamed_ns[SITES], carried_ns[SITES], tail_ns;
};

static void after(struct thread *t, u64 now, u64 ns, enum next next)
{
	t->next = next;
	t->at_ns = now + ns;
}

/* What a wait has had of the hold that is on. */
static void truth_add(struct world *w, const struct thread *t, u64 now)
{
	if (w->owner)
		w->truth_ns[w->owner->site] += now - (t->wait.enq_ns > w->since_ns ? t->wait.enq_ns : w->since_ns);
}

static void want(struct world *w, struct thread *t, u64 now)
{
	static const u64 holds_ns[SITES] = { [LONG] = 195 * MS, [SHORT] = 10 * MS, [VICTIM] = 5 * US };

	if (!w->owner) {
		w->owner = t;
		w->since_ns = now;
		after(t, now, holds_ns[t->site], UNLOCK);
		return;
	}
	if (lsp_ledger_carries(&w->ledger))
		lsp_ledger_expire(&w->ledger, now);
	lsp_ledger_enq(&w->ledger, &t->wait, now);
	t->waits = true;
	t->arrival = w->arrivals++;
	after(t, now, 20 * MS, t->site == VICTIM ? EXPIRE : NOTHING);
}

static void expire(struct world *w, struct thread *t, u64 now)
{
	truth_add(w, t, now);
	t->waits = false;
	w->tail_ns += lsp_ledger_leave(&w->ledger, &t->wait, now, LSP_LEDGER_GAVE_UP).tail_ns;
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	after(t, now, w->gap_ns * (800 + (w->random >> 33) % 401) / 1000, WANT);
}

static void unlock(struct world *w, struct thread *t, u64 now)
{
	struct thread *first = NULL;
	struct lsp_ledger_charge charge;

	for (int i = 0; i < w->n; i++) {
		struct thread *other = &w->threads[i];

		if (!other->waits)
			continue;
		truth_add(w, other, now);
		if (!first || other->arrival < first->arrival)
			first = other;
	}
	w->owner = NULL;
	if (first) {
		charge = lsp_ledger_release(&w->ledger, &first->wait, now);
		w->blamed_ns[t->site] += charge.hold_ns;
		w->carried_ns[t->site] += charge.carried_ns;
		first->waits = false;
		after(first, now, LATENCY_NS, WAKE);
	}
	if (t->site == VICTIM) {
		after(t, now, 500 * US, WANT);
		return;
	}
	w->holds++;
	if (w->holds == LONG_HOLDS)
		t->site = SHORT;
	after(t, now, MS, WANT);
}

static void run(struct world *w)
{
	while (w->holds < ALL_HOLDS) {
		struct thread *t = NULL;
		u64 now;

		for (int i = 0; i < w->n; i++)
			if (w->threads[i].next != NOTHING && (!t || w->threads[i].at_ns < t->at_ns))
				t = &w->threads[i];
		now = t->at_ns;
		switch (t->next) {
		case WAKE:
			lsp_ledger_run(&w->ledger, &t->wait, now);
			want(w, t, now);
			break;
		case WANT:
			want(w, t, now);
			break;
		case EXPIRE:
			expire(w, t, now);
			break;
		default:
			unlock(w, t, now);
		}
	}
}

static double share(u64 part, u64 whole)
{
	return 100.0 * (double)part / (double)whole;
}

static u64 sum(const u64 *of_sites)
{
	return of_sites[LONG] + of_sites[SHORT] + of_sites[VICTIM];
}

static void test_blame_comes_back(void **state)
{
	static const struct {
		int victims;
		u64 gap_ns;
		double truth, carried, without, given_up, tail;	/* percent */
	} rows[] = {
		{ 1, 20 * US, 83.0, 83.0, 27.0, 0, 76.7 }, { 1, MS, 82.4, 82.4, 13.0, 0, 79.7 },
		{ 1, 5 * MS, 80.0, 21.2, 21.2, 74.6, 74.6 },
		{ 3, 20 * US, 83.1, 83.1, 27.0, 0, 76.9 }, { 3, MS, 82.5, 82.4, 12.9, 0, 79.9 },
		{ 8, 20 * US, 83.3, 83.1, 27.0, 0, 77.0 }, { 8, MS, 82.6, 82.5, 12.7, 0, 80.1 },
		{ 8, 5 * MS, 80.2, 77.8, 23.4, 10.1, 74.1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct world w;
		/* Which tries happen to meet a release is chance, and decides where all else is given up. */
		double loose = rows[i].given_up ? 6 : 0.5;
		double got[5], all;

		memset(&w, 0, sizeof(w));
		lsp_ledger_init(&w.ledger, 0);
		w.n = 1 + rows[i].victims;
		w.gap_ns = rows[i].gap_ns;
		for (int k = 1; k < w.n; k++) {
			w.threads[k].site = VICTIM;
			after(&w.threads[k], 0, MS + (u64)(k - 1) * 300 * US, WANT);
		}
		run(&w);
		all = (double)sum(w.truth_ns);
		got[0] = share(w.truth_ns[LONG], sum(w.truth_ns));
		got[1] = share(w.blamed_ns[LONG], sum(w.blamed_ns));
		got[2] = share(w.blamed_ns[LONG] - w.carried_ns[LONG], sum(w.blamed_ns) - sum(w.carried_ns));
		got[3] = w.ledger.given_waits ? 100 * (double)w.ledger.given_ns / all : 0;
		got[4] = 100 * (double)w.tail_ns / all;
		print_message("%d victims, back after %5llu us: truth %.1f, carried %.1f, without %.1f, given up %.1f, tail %.1f\n",
			      rows[i].victims, (unsigned long long)(rows[i].gap_ns / US), got[0], got[1], got[2], got[3], got[4]);
		assert_true(fabs(got[0] - rows[i].truth) < 0.5);
		assert_true(fabs(got[1] - rows[i].carried) < loose);
		assert_true(fabs(got[2] - rows[i].without) < loose);
		assert_true(fabs(got[3] - rows[i].given_up) < loose);
		assert_true(fabs(got[4] - rows[i].tail) < 2);
		/* The rule itself: whoever tries again soon loses no blame. */
		if (rows[i].gap_ns <= MS)
			assert_true(fabs(got[1] - got[0]) < 0.5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blame_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
