// SPDX-License-Identifier: GPL-2.0-only
#include "rounds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

#define GRIPS_MAX 16		/* locks that a thread has at once */
#define SAMPLES 64		/* holds of a site that are remembered */
#define DRAWS 8			/* of a hold, until one fits */
#define OUTER_LEAST 2		/* holds with another lock in them show that locks nest, and so do */
#define OUTER_SHARE 50		/* one of so many */
#define RETRY_NS 200000		/* a wait that nobody ended and this one are the same try */

/* A lock that a thread waits for, or was woken for and may have. */
struct grip {
	uint32_t lock;
	uint32_t site;		/* of the wait */
	uint32_t latency_ns;
	bool running;		/* woken; whether it has got the lock shows later */
	bool unended;		/* by a timeout or a signal */
	bool queued;		/* others have been in the queue all the time since it ran */
	bool inner;		/* the thread has used another lock since */
	uint64_t arrival_ns;
	uint64_t run_ns;
	uint64_t bound_ns;	/* another thread had the lock then */
	uint64_t asleep_ns, awake_ns;	/* the thread's next wait for another lock */
};

struct thread {
	struct grip grips[GRIPS_MAX];
	unsigned int n;
	uint64_t last_ns;	/* its last event */
	uint32_t last_lock;
	uint64_t asleep_ns, awake_ns;	/* its last wait */
};

struct lock {
	uint64_t released_ns;
	uint64_t held_ns;	/* since the release somebody has been known to have it from then on; UINT64_MAX: not yet */
	uint32_t queued;
	uint32_t ran;		/* the thread that was woken last and may have it; NONE */
	uint64_t waited_ns;	/* the same, by a thread that waits since */
	uint64_t certain;	/* holds that were seen from begin to end */
	uint64_t outer;		/* those in which the thread used another lock */
	bool nests;		/* other locks are used within its holds */
};

struct samples {
	uint32_t ns[SAMPLES];
	uint64_t n;
	uint64_t longest_ns;
};

struct event {
	uint64_t time_ns;
	uint32_t at;		/* wait or release */
	uint32_t kind;
};

/* At one time a release comes before the run of the thread that it wakes, and that before its next wait. */
enum { RELEASE, RUN, ENQ };

/* An op before it is known what came before. */
struct step {
	uint64_t arrival_ns;
	uint64_t done_ns;
	struct lsp_whatif_op op;
	uint32_t thread;
};

struct making {
	const struct lsp_whatif_recorded *from;
	struct lsp_whatif_lock *facts;
	struct thread *threads;
	struct lock *locks;
	struct samples *held;	/* by the release's site */
	struct samples *waited;	/* the same, by the wait's site */
	struct step *steps;
	size_t nsteps, room;
	bool looking;		/* only for locks that nest */
	uint64_t random;
};

void lsp_whatif_recorded_uninit(struct lsp_whatif_recorded *r)
{
	free(r->waits);
	free(r->releases);
	memset(r, 0, sizeof(*r));
}

/* ---- holds ---- */

static void sample_add(struct samples *s, uint64_t ns)
{
	s->ns[s->n++ % SAMPLES] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
	if (ns > s->longest_ns)
		s->longest_ns = ns;
}

static uint64_t sample_draw(struct making *m, const struct samples *s)
{
	m->random = m->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return s->n ? s->ns[(m->random >> 33) % (s->n < SAMPLES ? s->n : SAMPLES)] : 0;
}

/* Adds a hold. It began at @begin_ns, for a thread that had come at @arrival_ns. */
static int hold_add(struct making *m, uint32_t thread, uint32_t lock, uint32_t site, uint32_t latency_ns,
		    uint64_t arrival_ns, uint64_t begin_ns, uint64_t end_ns)
{
	struct step *s;

	if (m->looking)
		return 0;
	if (lsp_array_grow(&m->steps, &m->room, m->nsteps + 1, sizeof(*m->steps)))
		return -ENOMEM;
	s = &m->steps[m->nsteps];
	m->nsteps += 2;
	s[0] = (struct step){ arrival_ns, begin_ns, { 0, lock, site, latency_ns, false }, thread };
	s[1] = (struct step){ end_ns, end_ns, { 0, lock, site, LSP_WHATIF_NONE, true }, thread };
	return 0;
}

static struct grip *grip_find(struct thread *t, uint32_t lock)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (t->grips[i].lock == lock)
			return &t->grips[i];
	return NULL;
}

static void grip_drop(struct thread *t, struct grip *g)
{
	*g = t->grips[--t->n];
}

/* The thread had the lock and has given it back before @until_ns, when nobody waited for it. */
static int grip_end(struct making *m, uint32_t thread, struct grip *g, uint64_t until_ns)
{
	uint64_t end_ns = g->run_ns + sample_draw(m, &m->waited[g->site]);
	int err = 0;

	if (g->bound_ns < until_ns)
		until_ns = g->bound_ns;
	if (end_ns > until_ns)
		end_ns = until_ns;
	if (end_ns > g->asleep_ns && end_ns < g->awake_ns)
		end_ns = g->asleep_ns;
	if (end_ns < g->run_ns)
		end_ns = g->run_ns;
	if (g->running && !g->unended)
		err = hold_add(m, thread, g->lock, g->site, g->latency_ns, g->arrival_ns, g->run_ns, end_ns);
	if (end_ns > m->threads[thread].last_ns)
		m->threads[thread].last_ns = end_ns;
	grip_drop(&m->threads[thread], g);
	return err;
}

/*
 * Returns when a hold began of which only the end was seen: no sooner than the release before, and no later than
 * somebody had to wait. Its length is one of those that were seen at the site, if one fits.
 */
static uint64_t begin_guess(struct making *m, const struct lsp_whatif_release *r)
{
	const struct thread *t = &m->threads[r->thread];
	struct lock *l = &m->locks[r->lock];
	uint64_t low = l->released_ns, high = l->held_ns < r->time_ns ? l->held_ns : r->time_ns, begin_ns, hold_ns = 0;

	if (t->last_ns > l->waited_ns && t->last_lock != r->lock)
		l->outer++;
	/* Where it can be, it began after the thread's event before: locks are seldom nested. */
	if (t->last_ns > low && (t->last_ns <= high || !l->nests))
		low = t->last_ns;
	if (low > high)
		high = low;
	for (int i = 0; i < DRAWS; i++) {
		hold_ns = sample_draw(m, &m->held[r->site]);
		if (hold_ns <= r->time_ns - low && hold_ns >= r->time_ns - high)
			break;
	}
	begin_ns = hold_ns > r->time_ns - low ? low : hold_ns < r->time_ns - high ? high : r->time_ns - hold_ns;
	/* A thread that sleeps takes no other lock. */
	return begin_ns >= t->asleep_ns && begin_ns < t->awake_ns ? t->asleep_ns - 1 : begin_ns;
}

/*
 * The thread uses another lock from @time_ns on. What it was woken for and may have had since then it has given back,
 * unless such locks nest.
 */
static int others_end(struct making *m, uint32_t thread, uint32_t lock, uint64_t time_ns)
{
	struct thread *t = &m->threads[thread];
	int err = 0;

	for (unsigned int i = t->n; !err && i-- > 0; ) {
		struct grip *g = &t->grips[i];

		if (g->lock == lock || !g->running)
			continue;
		g->inner = true;
		if (!m->looking && !m->locks[g->lock].nests)
			err = grip_end(m, thread, g, time_ns);
	}
	return err;
}

/* ---- events ---- */

static int enq(struct making *m, const struct lsp_whatif_wait *w)
{
	struct thread *t = &m->threads[w->thread];
	struct lock *l = &m->locks[w->lock];
	struct grip *g = grip_find(t, w->lock);
	uint64_t held_ns = w->enq_ns;
	int err = others_end(m, w->thread, w->lock, w->enq_ns);

	g = grip_find(t, w->lock);
	for (unsigned int i = 0; i < t->n; i++)
		if (&t->grips[i] != g && t->grips[i].asleep_ns == UINT64_MAX)
			t->grips[i].asleep_ns = w->enq_ns;
	if (!err && g && g->running) {
		bool same = g->unended ? w->enq_ns - g->run_ns < RETRY_NS : w->again || g->queued;

		if (l->ran == w->thread)
			l->ran = LSP_WHATIF_NONE;
		if (same)
			held_ns = g->run_ns > l->released_ns ? g->run_ns : l->released_ns;
		else
			err = grip_end(m, w->thread, g, w->enq_ns);
		g = same ? g : NULL;
	}
	if (!err && !g && t->n == GRIPS_MAX)
		err = grip_end(m, w->thread, &t->grips[0], w->enq_ns);
	if (!g) {
		g = &t->grips[t->n++];
		*g = (struct grip){ .lock = w->lock, .site = w->site, .arrival_ns = w->enq_ns };
	}
	g->running = false;
	g->asleep_ns = g->awake_ns = UINT64_MAX;
	if (held_ns < l->held_ns)
		l->held_ns = held_ns;
	if (w->enq_ns < l->waited_ns)
		l->waited_ns = w->enq_ns;
	l->queued++;
	t->last_ns = t->asleep_ns = w->enq_ns;
	t->awake_ns = UINT64_MAX;
	t->last_lock = w->lock;
	return err;
}

/* Another thread than the one that was woken last has, or had, the lock at @time_ns. */
static void other_had(struct making *m, uint32_t lock, uint32_t thread, uint64_t time_ns)
{
	struct lock *l = &m->locks[lock];
	struct grip *g = l->ran != LSP_WHATIF_NONE && l->ran != thread ? grip_find(&m->threads[l->ran], lock) : NULL;

	if (g && g->bound_ns > time_ns)
		g->bound_ns = time_ns;
}

static void queued_less(struct making *m, uint32_t lock)
{
	struct lock *l = &m->locks[lock];
	struct grip *g = l->ran == LSP_WHATIF_NONE ? NULL : grip_find(&m->threads[l->ran], lock);

	l->queued -= l->queued > 0;
	if (g && !l->queued)
		g->queued = false;
}

static void run(struct making *m, const struct lsp_whatif_wait *w)
{
	struct thread *t = &m->threads[w->thread];
	struct grip *g = grip_find(t, w->lock);

	t->awake_ns = w->run_ns;
	if (!g || w->open)
		return;
	for (unsigned int i = 0; i < t->n; i++)
		if (&t->grips[i] != g && t->grips[i].asleep_ns != UINT64_MAX && t->grips[i].awake_ns == UINT64_MAX)
			t->grips[i].awake_ns = w->run_ns;
	if (!w->wake_ns)
		queued_less(m, w->lock);
	other_had(m, w->lock, w->thread, w->run_ns);
	m->locks[w->lock].ran = w->thread;
	g->running = true;
	g->unended = !w->wake_ns;
	g->run_ns = w->run_ns;
	g->bound_ns = UINT64_MAX;
	g->queued = m->locks[w->lock].queued > 0;
	if (w->wake_ns)
		g->latency_ns = w->run_ns - w->wake_ns < UINT32_MAX ? (uint32_t)(w->run_ns - w->wake_ns) : UINT32_MAX - 1;
	g->inner = false;
	t->last_ns = w->run_ns;
	t->last_lock = w->lock;
}

/*
 * Whether the thread has had the lock since it was woken for it. While others were queued it could not give it back
 * unseen. Otherwise it may have done so, and taken it again: then another thread may have had it meanwhile, or the
 * hold would be longer than any that is certain.
 */
static bool is_one_hold(const struct making *m, const struct grip *g, const struct lsp_whatif_release *r)
{
	const struct samples *s = &m->held[r->site];

	return g->queued || (g->bound_ns >= r->time_ns && (!s->n || r->time_ns - g->run_ns <= s->longest_ns));
}

static int hold_seen(struct making *m, const struct lsp_whatif_release *r, struct grip *g)
{
	struct lock *l = &m->locks[r->lock];
	int err;

	if (g->queued) {
		sample_add(&m->held[r->site], r->time_ns - g->run_ns);
		sample_add(&m->waited[g->site], r->time_ns - g->run_ns);
		l->certain++;
		l->outer += g->inner;
	}
	m->facts[r->lock].seen++;
	err = hold_add(m, r->thread, r->lock, r->site, g->latency_ns, g->arrival_ns, g->run_ns, r->time_ns);
	grip_drop(&m->threads[r->thread], g);
	return err;
}

static int release(struct making *m, const struct lsp_whatif_release *r)
{
	struct thread *t = &m->threads[r->thread];
	struct lock *l = &m->locks[r->lock];
	struct grip *g = grip_find(t, r->lock);
	uint64_t begin_ns, until_ns = l->held_ns < r->time_ns ? l->held_ns : r->time_ns;
	int err = 0;

	if (l->ran == r->thread)
		l->ran = LSP_WHATIF_NONE;
	else
		other_had(m, r->lock, r->thread, r->time_ns);
	queued_less(m, r->lock);
	if (g && g->running && is_one_hold(m, g, r)) {
		err = hold_seen(m, r, g);
	} else if (!g || g->running) {
		err = g ? grip_end(m, r->thread, g, until_ns) : 0;
		if (!err)
			err = others_end(m, r->thread, r->lock, until_ns);
		begin_ns = begin_guess(m, r);
		m->facts[r->lock].guessed++;
		if (!err)
			err = hold_add(m, r->thread, r->lock, r->site, LSP_WHATIF_NONE, begin_ns, begin_ns, r->time_ns);
	}
	l->released_ns = r->time_ns;
	l->held_ns = l->waited_ns = UINT64_MAX;
	t->last_ns = r->time_ns;
	t->last_lock = r->lock;
	return err;
}

static int event_compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind : (x->at > y->at) - (x->at < y->at);
}

static void fact_add(struct lsp_whatif_lock *f, const struct lsp_whatif_wait *w)
{
	if (!f->waits++ || w->enq_ns < f->first_ns)
		f->first_ns = w->enq_ns;
	if (w->run_ns > f->last_ns)
		f->last_ns = w->run_ns;
	if (w->wake_ns)
		f->waiting_ns += (double)(w->wake_ns - w->enq_ns);
	else
		f->unended_ns += (double)(w->run_ns - w->enq_ns);
}

/* Which locks nest, by the events that have been followed. All else begins anew. */
static void nests_find(struct making *m)
{
	for (size_t i = 0; i < m->from->nlocks; i++) {
		const struct lock l = m->locks[i];

		m->locks[i] = (struct lock){ .held_ns = UINT64_MAX, .waited_ns = UINT64_MAX, .ran = LSP_WHATIF_NONE,
			.nests = l.outer >= OUTER_LEAST && l.outer * OUTER_SHARE >= l.certain };
		m->facts[i].seen = m->facts[i].guessed = 0;
	}
	memset(m->threads, 0, m->from->nthreads * sizeof(*m->threads));
}

static int events_follow(struct making *m, const struct event *events, size_t n)
{
	const struct lsp_whatif_recorded *r = m->from;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		if (events[i].kind == RUN)
			run(m, &r->waits[events[i].at]);
		else
			err = events[i].kind == ENQ ? enq(m, &r->waits[events[i].at]) : release(m, &r->releases[events[i].at]);
	}
	for (uint32_t i = 0; !err && i < r->nthreads; i++)
		while (!err && m->threads[i].n)
			err = grip_end(m, i, &m->threads[i].grips[0], n ? events[n - 1].time_ns : 0);
	return err;
}

/* Follows them twice: how guesses are made depends on which locks nest. */
static int steps_make(struct making *m)
{
	const struct lsp_whatif_recorded *r = m->from;
	struct event *events = malloc((2 * r->nwaits + r->nreleases + 1) * sizeof(*events));
	size_t n = 0;
	int err = 0;

	if (!events)
		return -ENOMEM;
	for (size_t i = 0; i < r->nreleases; i++)
		events[n++] = (struct event){ r->releases[i].time_ns, (uint32_t)i, RELEASE };
	for (size_t i = 0; i < r->nwaits; i++) {
		events[n++] = (struct event){ r->waits[i].enq_ns, (uint32_t)i, ENQ };
		events[n++] = (struct event){ r->waits[i].run_ns, (uint32_t)i, RUN };
		fact_add(&m->facts[r->waits[i].lock], &r->waits[i]);
	}
	qsort(events, n, sizeof(*events), event_compare);
	for (int pass = 0; !err && pass < 2; pass++) {
		m->looking = !pass;
		nests_find(m);
		err = events_follow(m, events, n);
	}
	free(events);
	return err;
}

/* ---- steps become rounds ---- */

/* Sorts the steps of one thread. They are nearly in order. */
static void steps_sort(struct step *s, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct step one = s[i];
		size_t at = i;

		for (; at && s[at - 1].arrival_ns > one.arrival_ns; at--)
			s[at] = s[at - 1];
		s[at] = one;
	}
}

static int op_add(struct lsp_whatif_program *p, const struct step *s, uint64_t before_ns)
{
	if (lsp_array_grow(&p->ops, &p->ops_room, p->nops, sizeof(*p->ops)))
		return -ENOMEM;
	p->ops[p->nops] = s->op;
	p->ops[p->nops++].delay_ns = s->arrival_ns > before_ns ? s->arrival_ns - before_ns : 0;
	if (s->op.latency_ns == LSP_WHATIF_NONE)
		return 0;
	if (lsp_array_grow(&p->latencies, &p->latencies_room, p->nlatencies, sizeof(*p->latencies)))
		return -ENOMEM;
	p->latencies[p->nlatencies++] = s->op.latency_ns;
	return 0;
}

static int round_add(struct lsp_whatif_program *p, size_t first)
{
	if (lsp_array_grow(&p->rounds, &p->rounds_room, p->nrounds, sizeof(*p->rounds)))
		return -ENOMEM;
	p->rounds[p->nrounds++] = (struct lsp_whatif_round){ first, p->nops - first };
	return 0;
}

/* A lock that the thread has already, by what was guessed, is not taken a second time. */
static bool is_second(uint32_t *locks, unsigned int *depth, uint64_t *again, const struct lsp_whatif_op *op)
{
	for (unsigned int i = 0; i < *depth; i++) {
		if (locks[i] != op->lock)
			continue;
		if (!op->release) {
			again[i]++;
			return true;
		}
		if (again[i]) {
			again[i]--;
			return true;
		}
		locks[i] = locks[--*depth];
		again[i] = again[*depth];
		return false;
	}
	if (!op->release) {
		locks[*depth] = op->lock;
		again[(*depth)++] = 0;
	}
	return false;
}

static int thread_make(struct lsp_whatif_program *p, const struct step *s, size_t n)
{
	uint64_t before_ns = n ? s[0].arrival_ns : 0, again[2 * GRIPS_MAX];
	uint32_t locks[2 * GRIPS_MAX];
	size_t first = p->nops;
	unsigned int depth = 0;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		if (depth == 2 * GRIPS_MAX && !s[i].op.release)
			return -E2BIG;
		if (!is_second(locks, &depth, again, &s[i].op)) {
			err = op_add(p, &s[i], before_ns);
			before_ns = s[i].done_ns > before_ns ? s[i].done_ns : before_ns;
		}
		if (!err && !depth && p->nops > first) {
			err = round_add(p, first);
			first = p->nops;
		}
	}
	return err;
}

/* Sorts the steps by thread and time, and makes rounds of each thread's. */
static int program_make(struct making *m, struct lsp_whatif_program *p)
{
	size_t nthreads = m->from->nthreads, *begin = calloc(nthreads + 2, sizeof(*begin));
	struct step *sorted = malloc((m->nsteps + 1) * sizeof(*sorted));
	uint64_t start_ns = UINT64_MAX;
	int err = begin && sorted ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < m->nsteps; i++)
		begin[m->steps[i].thread + 2]++;
	for (size_t i = 2; !err && i < nthreads + 2; i++)
		begin[i] += begin[i - 1];
	for (size_t i = 0; !err && i < m->nsteps; i++) {
		sorted[begin[m->steps[i].thread + 1]++] = m->steps[i];
		if (m->steps[i].arrival_ns < start_ns)
			start_ns = m->steps[i].arrival_ns;
	}
	free(m->steps);
	m->steps = NULL;
	p->threads = calloc(nthreads + 1, sizeof(*p->threads));
	p->fair = calloc(m->from->nlocks + 1, sizeof(*p->fair));
	if (!p->threads || !p->fair)
		err = -ENOMEM;
	p->nthreads = nthreads;
	p->nlocks = m->from->nlocks;
	for (size_t i = 0; !err && i < nthreads; i++) {
		struct step *s = &sorted[begin[i]];
		size_t n = begin[i + 1] - begin[i];

		p->threads[i].first = p->nrounds;
		steps_sort(s, n);
		p->threads[i].start_ns = n ? s[0].arrival_ns - start_ns : 0;
		err = thread_make(p, s, n);
		p->threads[i].n = p->nrounds - p->threads[i].first;
	}
	free(sorted);
	free(begin);
	return err;
}

int lsp_whatif_rounds(const struct lsp_whatif_recorded *r, struct lsp_whatif_program *ret, struct lsp_whatif_lock *facts)
{
	struct making m = {
		.from = r, .facts = facts,
		.threads = calloc(r->nthreads + 1, sizeof(*m.threads)), .locks = calloc(r->nlocks + 1, sizeof(*m.locks)),
		.held = calloc(r->nsites + 1, sizeof(*m.held)), .waited = calloc(r->nsites + 1, sizeof(*m.waited)),
	};
	int err = m.threads && m.locks && m.held && m.waited ? 0 : -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	memset(facts, 0, r->nlocks * sizeof(*facts));
	if (!err)
		err = steps_make(&m);
	if (!err)
		err = program_make(&m, ret);
	free(m.threads);
	free(m.locks);
	free(m.held);
	free(m.waited);
	free(m.steps);
	if (err)
		lsp_whatif_program_uninit(ret);
	return err;
}
