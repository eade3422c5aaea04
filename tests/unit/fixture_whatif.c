// SPDX-License-Identifier: GPL-2.0-only
#include "fixture_whatif.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64, LOCKS = 2, STEPS = 8, NOBODY = -1 };

struct step {
	uint64_t delay_ns;
	int lock;
	int site;
	bool release;
};

struct thread {
	uint64_t random;
	uint64_t due_ns;	/* UINT64_MAX: it sleeps, or is done */
	uint64_t enq_ns, wake_ns, ran_ns;
	struct step steps[STEPS];
	int n, at, round, next;
	bool waits;		/* it is to run again */
};

struct mutex {
	bool taken;
	int first, last;
};

struct world {
	const struct fixture_subject *s;
	struct thread threads[THREADS_MAX];
	struct mutex mutexes[LOCKS];
	struct lsp_whatif_recorded *record;
	struct fixture_truth truth;
	uint64_t first_ns;
};

static double draw(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)((*state >> 11) + 1) / 9007199254740993.0;
}

static uint64_t draw_ns(uint64_t *state, double mean_us)
{
	return (uint64_t)(-log(draw(state)) * mean_us * 1000);
}

static void step_add(struct thread *t, uint64_t delay_ns, int lock, int site, bool release)
{
	t->steps[t->n++] = (struct step){ delay_ns, lock, site, release };
}

/* Every draw is made whatever the factor is, so that the same work is simulated with another one. */
static void round_begin(const struct fixture_subject *s, struct thread *t)
{
	uint64_t think = draw_ns(&t->random, s->think);
	bool is_long = draw(&t->random) < 0.25;
	uint64_t a = draw_ns(&t->random, s->hold / 2) + draw_ns(&t->random, s->hold / 2);
	uint64_t b = draw_ns(&t->random, s->hold / 4), c = draw_ns(&t->random, s->hold / 4);
	uint64_t hold = is_long ? (uint64_t)((double)a * s->factor) : b;
	int site = is_long ? FIXTURE_LONG : FIXTURE_SHORT;

	t->n = t->at = 0;
	t->round++;
	step_add(t, think, 0, site, false);
	step_add(t, hold, 0, site, true);
	if (s->locks == FIXTURE_NESTED && is_long) {
		t->n--;
		step_add(t, hold, 1, FIXTURE_OTHER, false);
		step_add(t, (uint64_t)((double)c * s->factor), 1, FIXTURE_OTHER, true);
		step_add(t, 1000, 0, site, true);
	}
	if (s->locks != FIXTURE_ONE) {
		step_add(t, 1000, 1, FIXTURE_OTHER, false);
		step_add(t, b, 1, FIXTURE_OTHER, true);
	}
}

static void go_on(struct world *w, struct thread *t, uint64_t now_ns)
{
	t->due_ns = UINT64_MAX;
	if (t->at == t->n) {
		if (t->round == w->s->rounds)
			return;
		round_begin(w->s, t);
	}
	t->due_ns = now_ns + t->steps[t->at].delay_ns;
}

static void wait_record(struct world *w, int i, const struct step *s, uint64_t now_ns)
{
	struct thread *t = &w->threads[i];

	w->truth.waiting_ns += (double)(t->wake_ns - t->enq_ns);
	if (w->record)
		w->record->waits[w->record->nwaits++] = (struct lsp_whatif_wait){
			.enq_ns = t->enq_ns, .wake_ns = t->wake_ns, .run_ns = now_ns, .thread = (uint32_t)i,
			.lock = (uint32_t)s->lock, .site = (uint32_t)s->site, .again = t->enq_ns - t->ran_ns < 50000 };
	t->ran_ns = now_ns;
}

static void arrive(struct world *w, int i, const struct step *s, uint64_t now_ns)
{
	struct thread *t = &w->threads[i];
	struct mutex *m = &w->mutexes[s->lock];
	bool granted = t->waits && w->s->fair;

	if (w->first_ns > now_ns)
		w->first_ns = now_ns;
	if (t->waits)
		wait_record(w, i, s, now_ns);
	if (!m->taken || granted) {
		m->taken = true;
		t->waits = false;
		t->at++;
		go_on(w, t, now_ns);
		return;
	}
	t->waits = true;
	t->enq_ns = now_ns;
	t->due_ns = UINT64_MAX;
	t->next = NOBODY;
	*(m->first == NOBODY ? &m->first : &w->threads[m->last].next) = i;
	m->last = i;
}

static void give(struct world *w, int i, const struct step *s, uint64_t now_ns)
{
	struct mutex *m = &w->mutexes[s->lock];
	struct thread *woken = m->first == NOBODY ? NULL : &w->threads[m->first];

	m->taken = false;
	w->threads[i].at++;
	if (woken) {
		m->first = woken->next;
		m->taken = w->s->fair;
		woken->wake_ns = now_ns;
		woken->due_ns = woken->wake_ns + (uint64_t)(w->s->latency * 500) + draw_ns(&woken->random, w->s->latency / 2);
		if (w->record)
			w->record->releases[w->record->nreleases++] = (struct lsp_whatif_release){
				now_ns, (uint32_t)i, (uint32_t)s->lock, (uint32_t)s->site };
	}
	go_on(w, &w->threads[i], now_ns);
}

static int next_find(const struct world *w)
{
	int best = NOBODY;

	for (int i = 0; i < w->s->threads; i++)
		if (w->threads[i].due_ns != UINT64_MAX && (best == NOBODY || w->threads[i].due_ns < w->threads[best].due_ns))
			best = i;
	return best;
}

struct fixture_truth fixture_run(const struct fixture_subject *s, struct lsp_whatif_recorded *record)
{
	struct world *w = calloc(1, sizeof(*w));
	size_t most = (size_t)s->threads * (size_t)s->rounds * 20;
	struct fixture_truth truth;
	uint64_t now_ns = 0;
	int i;

	w->s = s;
	w->record = record;
	w->first_ns = UINT64_MAX;
	if (record) {
		*record = (struct lsp_whatif_recorded){ .nthreads = (size_t)s->threads, .nlocks = LOCKS, .nsites = FIXTURE_SITES };
		record->waits = calloc(most, sizeof(*record->waits));
		record->releases = calloc(most, sizeof(*record->releases));
	}
	for (i = 0; i < LOCKS; i++)
		w->mutexes[i].first = NOBODY;
	for (i = 0; i < s->threads; i++) {
		w->threads[i].random = s->seed * 1000 + (uint64_t)i;
		for (int k = 0; k < 8; k++)
			draw(&w->threads[i].random);
		go_on(w, &w->threads[i], 1000000);
	}
	while ((i = next_find(w)) != NOBODY) {
		const struct step step = w->threads[i].steps[w->threads[i].at];

		now_ns = w->threads[i].due_ns;
		if (step.release)
			give(w, i, &step, now_ns);
		else
			arrive(w, i, &step, now_ns);
	}
	w->truth.duration_ns = (double)(now_ns - w->first_ns);
	truth = w->truth;
	free(w);
	return truth;
}
