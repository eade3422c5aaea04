// SPDX-License-Identifier: GPL-2.0-only
/* The rules. Each threshold is explained in docs/shapes.md. */
#include "shape.h"

#include <ctype.h>
#include <string.h>

const char *const lsp_shape_names[LSP_SHAPE_COUNT] = {
	[LSP_SHAPE_SLOW_HOLDER] = "slow holder", [LSP_SHAPE_CONVOY] = "convoy",
	[LSP_SHAPE_HANDOFF] = "handoff-bound", [LSP_SHAPE_HERD] = "thundering herd",
	[LSP_SHAPE_READERS] = "reader starvation", [LSP_SHAPE_BACK_PRESSURE] = "back-pressure",
	[LSP_SHAPE_IDLE_POOL] = "idle pool", [LSP_SHAPE_CROWDED] = "crowded",
	[LSP_SHAPE_PREEMPTED] = "preempted holder", [LSP_SHAPE_IO] = "I/O under a lock",
	[LSP_SHAPE_NESTED] = "lock under a lock", [LSP_SHAPE_FAULTS] = "page faults under a lock",
};

/* Below these numbers a shape may be chance, and would matter little. */
#define WAITS_MIN 30
#define WAITING_MIN 0.1		/* mean number of waiting threads over the recording */
#define WAITING_LOCK_MIN 0.25	/* for what is said of locks */

#define SLOW_SHARE 0.5		/* one function has this share of all hold, ... */
#define SLOW_RELEASES 0.5	/* ... with at most this share of the releases, ... */
#define SLOW_TIMES 5		/* ... and this many times the others' hold for each waiter */
#define SLOW_OTHERS 10		/* the others have this many releases to compare with, ... */
#define SLOW_ALONE 0.9		/* ... or this share of an rwlock's hold, if another function waits longest, ... */
#define SLOW_WRITERS 0.05	/* ... and writers have at most this share of the waiting, so there is one writer */

#define QUEUE_LONG 4		/* number of waiters when a wait begins, that wait included */
#define HANDOFF_SHARE 0.5
#define HANDOFF_WAITS 100

#define HERD_QUEUE 5
#define HERD_BURST 1.5		/* this many times the mean number of waiters */
#define HERD_REWAITS 0.5

#define READERS_SHARE 0.5
#define READERS_TIMES 5
#define READERS_MIN 3

#define CROWDED_WAITING 0.5
#define CROWDED_SHARE 0.25	/* of the waiting for all locks; one of many shards is not what holds a program up */
#define CROWDED_HOLD 0.5	/* a release ended this share of the waiting, so it is known who held the lock */
#define CROWDED_PART 0.1	/* functions with less of the hold, or of the releases, do not matter, ... */
#define CROWDED_TIMES 2		/* ... and no other has a turn this many times that of all others together */

#define BECAUSE_SHARE 0.5	/* one kind of cause has this share of the blame */

#define PRESSURE_TIMES 2
#define POOL_WAITING 2

/* ---- names that tell the flow ---- */

static const char *const out_words[] = {
	"full", "space", "room", "slots", "free", "send", "push", "put", "enqueue", "produce",
	"producer", "submit", "post", "offer", "emit", "write", "writable", NULL
};
static const char *const in_words[] = {
	"empty", "items", "avail", "available", "work", "worker", "job", "jobs", "task", "tasks",
	"recv", "receive", "pop", "take", "dequeue", "consume", "consumer", "fetch", "poll",
	"readable", "idle", NULL
};

static bool listed(const char *word, size_t n, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == n && !strncasecmp(word, *words, n))
			return true;
	return false;
}

/* Counts how many words of @name are on either list: "not_full", "channel_send", "pushBack". */
static void words_count(const char *name, unsigned int *out, unsigned int *in)
{
	while (*name) {
		size_t n = 0;

		while (isalpha((unsigned char)name[n]) &&
		       !(n && islower((unsigned char)name[n - 1]) && isupper((unsigned char)name[n])))
			n++;
		*out += listed(name, n, out_words);
		*in += listed(name, n, in_words);
		name += n ? n : 1;
	}
}

enum lsp_flow lsp_shape_flow(const char *lock, const char *waiter)
{
	unsigned int out = 0, in = 0;

	words_count(lock, &out, &in);
	words_count(waiter ? waiter : "", &out, &in);
	if (!out == !in)
		return LSP_FLOW_UNKNOWN;
	return out ? LSP_FLOW_OUT : LSP_FLOW_IN;
}

/* ---- what the rules are about ---- */

struct sums {
	double waits, waited_ns;	/* waiting of all classes */
	double releases, hold_ns, charged;
	double waiting;			/* mean number of waiting threads */
	double queue;			/* mean number of waiters when a wait begins, that wait included */
	double turn_ns;			/* how long one release makes one waiter wait */
	double late_ns;			/* mean time from wake to run */
	bool lock;			/* most waiting is that for a lock */
	bool mutex;			/* it is a lock that one waiter at a time gets */
};

static double over(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static struct sums sums_of(const struct lsp_shape_lock *l, double duration_ns)
{
	struct sums s = { 0 };

	for (int i = 0; i < LSP_SHAPE_CLASSES; i++) {
		s.waits += l->waits[i].count;
		s.waited_ns += l->waits[i].ns;
	}
	for (size_t i = 0; i < l->nreleasers; i++) {
		s.releases += l->releasers[i].releases;
		s.hold_ns += l->releasers[i].hold_ns;
		s.charged += l->releasers[i].charged;
	}
	s.waiting = over(s.waited_ns, duration_ns);
	s.queue = over(l->depth, s.waits);
	s.turn_ns = over(s.hold_ns, s.charged);
	s.late_ns = over(l->late_ns, s.waits);
	s.mutex = 2 * l->waits[LSP_SHAPE_MUTEX].ns > s.waited_ns;
	s.lock = s.mutex || 2 * (l->waits[LSP_SHAPE_READ].ns + l->waits[LSP_SHAPE_WRITE].ns) >
			    s.waited_ns;
	return s;
}

static bool shape(struct lsp_shape *ret, enum lsp_shape_kind kind, const struct lsp_shape_lock *l,
		  const char *site)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = kind;
	ret->lock = l->lock;
	ret->site = site;
	return true;
}

static void number(struct lsp_shape *s, const char *name, double value)
{
	for (int i = 0; i < LSP_SHAPE_NUMBERS; i++)
		if (!s->numbers[i].name) {
			s->numbers[i] = (struct lsp_shape_number){ name, value };
			return;
		}
}

/*
 * Notes the largest cause of @kind, or with LSP_CAUSE_OTHER of any kind, if the kind has most of the blame. Returns
 * whether it has.
 */
static bool cause_note(struct lsp_shape *ret, const struct lsp_shape_lock *l, enum lsp_cause_kind kind)
{
	const struct lsp_cause *largest = NULL, *c;
	double all_ns = 0, kind_ns = 0;

	for (c = l->why.causes; c < l->why.causes + l->why.n; c++) {
		all_ns += c->ns;
		if (kind != LSP_CAUSE_OTHER && lsp_cause_kind(c->text) != kind)
			continue;
		kind_ns += c->ns;
		if (!largest || c->ns > largest->ns)
			largest = c;
	}
	if (kind == LSP_CAUSE_OTHER && largest)
		kind_ns = largest->ns;
	if (!largest || kind_ns < BECAUSE_SHARE * all_ns || !strcmp(largest->text, "unknown") ||
	    !strcmp(largest->text, "others"))
		return false;
	ret->cause = largest->text;
	number(ret, "cause_share", over(kind_ns, all_ns));
	return true;
}

/* ---- one rule each ---- */

static bool slow_holder(const struct lsp_shape_lock *l, const struct sums *s, struct lsp_shape *ret)
{
	const struct lsp_shape_releaser *slow = NULL;
	double turn_ns, others_ns, others;
	bool alone;

	for (size_t i = 0; i < l->nreleasers; i++)
		if (!slow || l->releasers[i].hold_ns > slow->hold_ns)
			slow = &l->releasers[i];
	/*
	 * A writer's unlock is one release for each reader that waited, so the number of releases
	 * says nothing.
	 */
	if (!s->lock || !slow || slow->hold_ns < SLOW_SHARE * s->hold_ns ||
	    (s->mutex && slow->releases > SLOW_RELEASES * s->releases))
		return false;
	/* A reader's unlock releases no reader, so there may be no other releases. */
	alone = !s->mutex && slow->hold_ns >= SLOW_ALONE * s->hold_ns && l->waiter &&
		l->waits[LSP_SHAPE_WRITE].ns <= SLOW_WRITERS * s->waited_ns &&
		strcmp(l->waiter, slow->site);
	others = s->releases - slow->releases;
	turn_ns = over(slow->hold_ns, slow->charged);
	others_ns = over(s->hold_ns - slow->hold_ns, s->charged - slow->charged);
	if (others < SLOW_OTHERS ? !alone : turn_ns < SLOW_TIMES * others_ns)
		return false;
	shape(ret, LSP_SHAPE_SLOW_HOLDER, l, slow->site);
	cause_note(ret, l, LSP_CAUSE_OTHER);
	number(ret, "hold_share", over(slow->hold_ns, s->hold_ns));
	number(ret, "release_share", over(slow->releases, s->releases));
	number(ret, "hold_per_waiter_ns", turn_ns);
	number(ret, "others_hold_per_waiter_ns", others_ns);
	return true;
}

static bool convoy_or_handoff(const struct lsp_shape_lock *l, const struct sums *s,
			      struct lsp_shape *ret)
{
	double share = over(l->handoff_ns, l->handoff_ns + s->hold_ns);
	bool convoy = s->queue >= QUEUE_LONG && s->turn_ns <= s->late_ns;

	if (!s->mutex || s->waits < HANDOFF_WAITS || !(convoy || share >= HANDOFF_SHARE))
		return false;
	shape(ret, convoy ? LSP_SHAPE_CONVOY : LSP_SHAPE_HANDOFF, l, NULL);
	number(ret, "handoff_share", share);
	number(ret, "queue", s->queue);
	number(ret, "hold_per_waiter_ns", s->turn_ns);
	number(ret, "wake_to_run_ns", s->late_ns);
	return true;
}

/* Either all threads want the lock at the same moments, or many waiters are woken for nothing. */
static bool herd(const struct lsp_shape_lock *l, const struct sums *s, struct lsp_shape *ret)
{
	bool bursts = s->mutex && !l->joined && s->queue >= HERD_QUEUE && s->queue >= HERD_BURST * s->waiting &&
		      s->turn_ns > s->late_ns;
	bool vain = !s->lock && s->queue >= QUEUE_LONG && l->spurious >= HERD_REWAITS * s->waits;

	if (!bursts && !vain)
		return false;
	shape(ret, LSP_SHAPE_HERD, l, l->waiter);
	number(ret, "queue", s->queue);
	number(ret, "waiting", s->waiting);
	number(ret, "rewait_share", over(l->spurious, s->waits));
	return true;
}

static bool readers(const struct lsp_shape_lock *l, const struct sums *s, struct lsp_shape *ret)
{
	const struct lsp_shape_waits *rd = &l->waits[LSP_SHAPE_READ], *wr = &l->waits[LSP_SHAPE_WRITE];
	double reader_ns = over(rd->ns, rd->count), writer_ns = over(wr->ns, wr->count);

	if (rd->count < READERS_MIN || wr->count < WAITS_MIN || wr->count < rd->count ||
	    rd->ns < READERS_SHARE * s->waited_ns || reader_ns < READERS_TIMES * writer_ns)
		return false;
	shape(ret, LSP_SHAPE_READERS, l, NULL);
	number(ret, "reader_waits", rd->count);
	number(ret, "writer_waits", wr->count);
	number(ret, "reader_wait_ns", reader_ns);
	number(ret, "writer_wait_ns", writer_ns);
	return true;
}

static bool queue_between(const struct lsp_shape_lock *l, const struct sums *s, double others_in_ns,
			  struct lsp_shape *ret)
{
	enum lsp_flow flow = lsp_shape_flow(l->lock, l->waiter);

	if (2 * l->waits[LSP_SHAPE_SIGNAL].ns <= s->waited_ns)
		return false;
	if (flow == LSP_FLOW_OUT && s->waited_ns >= PRESSURE_TIMES * others_in_ns)
		shape(ret, LSP_SHAPE_BACK_PRESSURE, l, l->waiter);
	else if (flow == LSP_FLOW_IN && s->waiting >= POOL_WAITING)
		shape(ret, LSP_SHAPE_IDLE_POOL, l, l->waiter);
	else
		return false;
	number(ret, "waiting", s->waiting);
	number(ret, "wait_ns", over(s->waited_ns, s->waits));
	number(ret, "waits", s->waits);
	if (flow == LSP_FLOW_OUT)
		number(ret, "others_in_ns", others_in_ns);
	return true;
}

/* The commonest case: the lock is busy, and nobody holds it for longer than others do. */
static bool crowded(const struct lsp_shape_lock *l, const struct sums *s, struct lsp_shape *ret)
{
	const struct lsp_shape_releaser *most = NULL;

	if (!s->mutex || s->waiting < CROWDED_WAITING || s->waited_ns < CROWDED_SHARE * l->locks_ns ||
	    s->hold_ns < CROWDED_HOLD * s->waited_ns)
		return false;
	for (size_t i = 0; i < l->nreleasers; i++) {
		const struct lsp_shape_releaser *r = &l->releasers[i];
		double others_ns = over(s->hold_ns - r->hold_ns, s->charged - r->charged);

		if (!most || r->hold_ns > most->hold_ns)
			most = r;
		if (r->hold_ns >= CROWDED_PART * s->hold_ns && r->releases < (1 - CROWDED_PART) * s->releases &&
		    over(r->hold_ns, r->charged) >= CROWDED_TIMES * others_ns)
			return false;
	}
	if (!most)
		return false;
	shape(ret, LSP_SHAPE_CROWDED, l, most->site);
	number(ret, "waiting", s->waiting);
	number(ret, "hold_per_waiter_ns", s->turn_ns);
	number(ret, "hold_share", over(most->hold_ns, s->hold_ns));
	return true;
}

static const struct lsp_shape_releaser *most_blamed(const struct lsp_shape_lock *l)
{
	const struct lsp_shape_releaser *most = NULL;

	for (size_t i = 0; i < l->nreleasers; i++)
		if (!most || l->releasers[i].hold_ns > most->hold_ns)
			most = &l->releasers[i];
	return most;
}

/* The lock is busy, and its holders spend most of the time with something else than running. */
static bool because(const struct lsp_shape_lock *l, const struct sums *s, struct lsp_shape *ret)
{
	const struct lsp_shape_releaser *most = most_blamed(l);

	if (!s->lock || !most || s->waiting < CROWDED_WAITING || s->waited_ns < CROWDED_SHARE * l->locks_ns ||
	    s->hold_ns < CROWDED_HOLD * s->waited_ns)
		return false;
	for (int kind = LSP_CAUSE_NO_CPU; kind < LSP_CAUSE_OTHER; kind++) {
		shape(ret, LSP_SHAPE_PREEMPTED + (enum lsp_shape_kind)kind, l, most->site);
		if (!cause_note(ret, l, (enum lsp_cause_kind)kind))
			continue;
		number(ret, "waiting", s->waiting);
		number(ret, "hold_per_waiter_ns", s->turn_ns);
		return true;
	}
	return false;
}

bool lsp_shape_judge(const struct lsp_shape_lock *l, double duration_ns, double others_in_ns,
		     struct lsp_shape *ret)
{
	struct sums s = sums_of(l, duration_ns);

	if (s.waits < WAITS_MIN || s.waiting < (s.lock ? WAITING_LOCK_MIN : WAITING_MIN))
		return false;
	return readers(l, &s, ret) || slow_holder(l, &s, ret) || herd(l, &s, ret) ||
	       convoy_or_handoff(l, &s, ret) || queue_between(l, &s, others_in_ns, ret) ||
	       because(l, &s, ret) || crowded(l, &s, ret);
}
