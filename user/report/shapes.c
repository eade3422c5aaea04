// SPDX-License-Identifier: GPL-2.0-only
/* Turns a recording into locks that can be judged. */
#include "shapes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "site.h"
#include "words.h"

/* Columns of the contention profile, by name. */
enum { COUNT, DELAY, SCHED, HANDOFF, HOLD, SPURIOUS, WAITERS, DEPTH, COLUMNS };
static const char *const column_names[COLUMNS] = {
	"contentions", "delay", "sched_delay", "handoff", "hold", "spurious", "waiters", "depth",
};

static enum lsp_shape_class class_of(const char *sync)
{
	if (!strcmp(sync, "mutex") || !strcmp(sync, "pi"))
		return LSP_SHAPE_MUTEX;
	if (!strcmp(sync, "rwlock_rd"))
		return LSP_SHAPE_READ;
	if (!strcmp(sync, "rwlock_wr"))
		return LSP_SHAPE_WRITE;
	if (!strcmp(sync, "cond") || !strcmp(sync, "sem"))
		return LSP_SHAPE_SIGNAL;
	return LSP_SHAPE_OTHER;
}

/* A semaphore or a condition variable that is used as a lock is one, and no queue. */
static enum lsp_shape_class class_of_sample(const struct lsp_uses *uses, const struct lsp_profile_sample *s)
{
	const char *sync = lsp_sample_text(s, "sync");
	enum lsp_shape_class class = class_of(sync);

	if (class == LSP_SHAPE_SIGNAL && lsp_uses_of(uses, lsp_sample_text(s, "lock"), sync) == LSP_USE_LOCK)
		return LSP_SHAPE_MUTEX;
	return class;
}

static struct lsp_shape_lock *lock_at(struct lsp_shapes *s, const char *name)
{
	int64_t id = lsp_intern_add(&s->names, name, strlen(name) + 1);

	if (id < 0)
		return NULL;
	if ((size_t)id == s->nlocks) {
		if (lsp_array_grow(&s->locks, &s->locks_room, s->nlocks, sizeof(*s->locks)))
			return NULL;
		s->locks[s->nlocks++] = (struct lsp_shape_lock){
			.lock = lsp_intern_get(&s->names, (uint32_t)id, NULL),
		};
	}
	return &s->locks[id];
}

/* What the holders of all locks did, which the mutex profile tells. */
static int causes_take(struct lsp_shapes *s, const struct lsp_profile *p)
{
	struct lsp_profile_sample sample;
	int err = 0;

	for (size_t i = 0; p && !err && lsp_profile_sample(p, i, &sample); i++) {
		const char *lock = lsp_sample_text(&sample, "lock"), *why = lsp_sample_text(&sample, "why");
		int64_t id = *why ? lsp_intern_find(&s->names, lock, strlen(lock) + 1) : -1;

		if (id >= 0)
			err = lsp_causes_add(&s->locks[id].why, why, sample.values[1]);
	}
	return err;
}

/* A lock may have as many releasers as there are sites, so each is found by its key. */
static int releaser_add(struct lsp_shapes *s, size_t lock, const char *site, double releases,
			double hold_ns, double charged)
{
	int64_t key[2] = { (int64_t)lock, lsp_intern_add(&s->sites, site, strlen(site) + 1) };
	int64_t id = key[1] < 0 ? -ENOMEM : lsp_intern_add(&s->keys, key, sizeof(key));

	if (id < 0)
		return -ENOMEM;
	if ((size_t)id == s->nreleasers) {
		if (lsp_array_grow(&s->releasers, &s->releasers_room, s->nreleasers, sizeof(*s->releasers)))
			return -ENOMEM;
		s->releasers[s->nreleasers++] = (struct lsp_shape_releaser){
			.site = lsp_intern_get(&s->sites, (uint32_t)key[1], NULL), .lock = lock,
		};
	}
	s->releasers[id].releases += releases;
	s->releasers[id].hold_ns += hold_ns;
	s->releasers[id].charged += charged;
	return 0;
}

static int by_lock(const void *a, const void *b)
{
	const struct lsp_shape_releaser *x = a, *y = b;

	return x->lock != y->lock ? (x->lock < y->lock ? -1 : 1) : strcmp(x->site, y->site);
}

/* To be called after the last releaser. Gives each lock its own, which lie side by side. */
static void releasers_give(struct lsp_shapes *s)
{
	if (s->nreleasers)
		qsort(s->releasers, s->nreleasers, sizeof(*s->releasers), by_lock);
	for (size_t i = 0; i < s->nreleasers; i++) {
		struct lsp_shape_lock *l = &s->locks[s->releasers[i].lock];

		if (!l->nreleasers++)
			l->releasers = &s->releasers[i];
	}
}

static int sample_take(struct lsp_shapes *s, const struct lsp_uses *uses, const struct lsp_profile *p,
		       const int *columns, const struct lsp_profile_sample *sample)
{
	struct lsp_shape_lock *l = lock_at(s, lsp_sample_text(sample, "lock"));
	const char *kind = lsp_sample_text(sample, "kind");
	const double *v = sample->values;
	struct lsp_shape_waits *waits;
	struct lsp_site site;

	if (!l)
		return -ENOMEM;
	l->handoff_ns += v[columns[HANDOFF]];
	lsp_site_find(p, sample, &site);
	if (!strcmp(kind, "mutex"))
		return releaser_add(s, (size_t)(l - s->locks), site.function, v[columns[COUNT]],
				    v[columns[HOLD]], v[columns[WAITERS]]);
	if (strcmp(kind, "block"))
		return 0;
	waits = &l->waits[class_of_sample(uses, sample)];
	waits->count += v[columns[COUNT]];
	waits->ns += v[columns[DELAY]];
	l->late_ns += v[columns[SCHED]];
	l->spurious += v[columns[SPURIOUS]];
	l->depth += v[columns[DEPTH]];
	if (v[columns[DELAY]] > l->waiter_ns) {
		l->waiter_ns = v[columns[DELAY]];
		l->waiter = site.function;
	}
	return 0;
}

static double waited_ns(const struct lsp_shape_lock *l)
{
	double ns = 0;

	for (int i = 0; i < LSP_SHAPE_CLASSES; i++)
		ns += l->waits[i].ns;
	return ns;
}

static int by_wait(const void *a, const void *b)
{
	double difference = waited_ns(b) - waited_ns(a);

	return difference ? (difference > 0 ? 1 : -1) : 0;
}

static int judge_all(struct lsp_shapes *s, double duration_ns, const char *only, bool joined)
{
	double in_ns = 0, own_ns, locks_ns = 0;

	if (!s->nlocks)
		return 0;
	releasers_give(s);
	for (size_t i = 0; i < s->nlocks; i++)
		if (lsp_shape_flow(s->locks[i].lock, s->locks[i].waiter) == LSP_FLOW_IN)
			in_ns += s->locks[i].waits[LSP_SHAPE_SIGNAL].ns;
	for (size_t i = 0; i < s->nlocks; i++)
		for (int k = LSP_SHAPE_MUTEX; k <= LSP_SHAPE_WRITE; k++)
			locks_ns += s->locks[i].waits[k].ns;
	s->shapes = calloc(s->nlocks, sizeof(*s->shapes));
	if (!s->shapes)
		return -ENOMEM;
	qsort(s->locks, s->nlocks, sizeof(*s->locks), by_wait);
	for (size_t i = 0; i < s->nlocks; i++) {
		s->locks[i].joined = joined;
		s->locks[i].locks_ns = locks_ns;
		own_ns = lsp_shape_flow(s->locks[i].lock, s->locks[i].waiter) == LSP_FLOW_IN ?
			 s->locks[i].waits[LSP_SHAPE_SIGNAL].ns : 0;
		if (lsp_shape_judge(&s->locks[i], duration_ns, in_ns - own_ns, &s->shapes[s->n]) &&
		    lsp_words_asked(s->locks[i].lock, only))
			s->n++;
	}
	return 0;
}

int lsp_shapes_create(const struct lsp_recording *r, struct lsp_shapes *ret)
{
	const struct lsp_profile *p = r->parts[LSP_PART_EXT];
	struct lsp_profile_sample sample;
	struct lsp_facts_totals t;
	struct lsp_uses uses;
	int columns[COLUMNS];
	int err;

	memset(ret, 0, sizeof(*ret));
	lsp_intern_init(&ret->names);
	lsp_intern_init(&ret->sites);
	lsp_intern_init(&ret->keys);
	lsp_facts_totals(&r->facts, &t);
	ret->several = !lsp_facts_one_program(&r->facts);
	if (ret->several)
		ret->lacks = "recordings of one program: the lengths of different ones do not add up";
	else if (!p)
		ret->lacks = "the contention profile (contention.ext.pb.gz)";
	else if (t.duration_ns <= 0)
		ret->lacks = "the length of the recording (record.json)";
	for (int i = 0; p && i < COLUMNS; i++) {
		columns[i] = lsp_part_column(p, column_names[i]);
		if (columns[i] < 0)
			ret->lacks = column_names[i];
	}
	if (ret->lacks)
		return 0;
	err = lsp_uses_create(r, &uses);
	if (err)
		return err;
	ret->judged = true;
	/* Of every lock, because a queue is also judged by what other threads wait for. */
	for (size_t i = 0; !err && lsp_profile_sample(p, i, &sample); i++)
		err = sample_take(ret, &uses, p, columns, &sample);
	lsp_uses_destroy(&uses);
	if (!err)
		err = causes_take(ret, r->parts[LSP_PART_MUTEX]);
	if (!err)
		err = judge_all(ret, t.duration_ns, r->only, r->facts.n > 1);
	if (err)
		lsp_shapes_destroy(ret);
	return err;
}

void lsp_shapes_destroy(struct lsp_shapes *s)
{
	for (size_t i = 0; i < s->nlocks; i++)
		lsp_causes_uninit(&s->locks[i].why);
	free(s->releasers);
	free(s->locks);
	free(s->shapes);
	lsp_intern_uninit(&s->names);
	lsp_intern_uninit(&s->sites);
	lsp_intern_uninit(&s->keys);
	memset(s, 0, sizeof(*s));
}
