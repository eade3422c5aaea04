// SPDX-License-Identifier: GPL-2.0-only
#include "holds.h"

#include <errno.h>
#include <stdlib.h>

/* As many as a release has, one for what is others', and one for what is unknown. */
#define PARTS 32

#define WHAT(why) ((uint64_t)LOCKSPAN_WHY_##why << LOCKSPAN_WHY_CALL_BITS)

/* Who waits for one virtual key. */
struct queue {
	uint32_t *waits;
	size_t n;
	size_t room;
};

/* A wait by its word and its enq_ns. */
struct place {
	uint64_t key;
	uint64_t enq_ns;
	uint32_t wait;
};

struct work {
	const struct lsp_parked *p;
	const struct lsp_notes *notes;
	struct place *by_word;	/* the waits, in this order */
	struct queue *queues;
	int (*take)(void *arg, uint32_t wait, const struct lockspan_why_part *parts, size_t n);
	void *arg;
};

/* One release. */
struct hold {
	const struct work *k;
	const struct lsp_wait *w;
	const struct queue *queue;
	uint64_t cut_ns;
	uint64_t at_ns;		/* what came after this has its parts */
	uint64_t left_ns;	/* of the charge */
	struct lockspan_why_part part[PARTS];
	size_t n;
};

static void part_add(struct hold *h, uint64_t what, uint64_t ns)
{
	size_t i = 0;

	/* The module's parts come to no more than the word's charge, but what they say is checked all the same. */
	if (ns > h->left_ns)
		ns = h->left_ns;
	if (!ns)
		return;
	h->left_ns -= ns;
	while (i < h->n && h->part[i].what != what)
		i++;
	if (i == h->n)
		h->part[h->n++] = (struct lockspan_why_part){ .what = what };
	h->part[i].ns += ns;
}

static uint64_t base_ns(const struct hold *h, size_t i)
{
	const struct lsp_wait *w = &h->k->p->waits[h->queue->waits[i]];

	return w->enq_ns > h->cut_ns ? w->enq_ns : h->cut_ns;
}

/* What all waiters together waited from @from_ns to @h->at_ns. */
static uint64_t waited_ns(const struct hold *h, uint64_t from_ns)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < h->queue->n; i++) {
		uint64_t base = base_ns(h, i);

		if (base < from_ns)
			base = from_ns;
		if (base < h->at_ns)
			sum += h->at_ns - base;
	}
	return sum;
}

/* Whether all waiters waited for as long as each other from @from_ns to @h->at_ns. */
static bool is_even(const struct hold *h, uint64_t from_ns)
{
	for (size_t i = 0; i < h->queue->n; i++)
		if (base_ns(h, i) > from_ns)
			return false;
	return true;
}

/* The virtual key that the releaser waited for on the word @key up to @at_ns; LSP_INDEX_NONE: it is no such word. */
static uint32_t group_of(const struct hold *h, uint64_t key, uint64_t at_ns)
{
	const struct place *places = h->k->by_word;
	size_t low = 0, high = h->k->p->n;
	const struct lsp_wait *w;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (places[middle].key < key || (places[middle].key == key && places[middle].enq_ns < at_ns))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || places[low - 1].key != key)
		return LSP_INDEX_NONE;
	w = &h->k->p->waits[places[low - 1].wait];
	return w->tid == h->w->by ? w->group : LSP_INDEX_NONE;
}

/* A part's @what in terms of virtual keys. It waited for the one that it releases: what came before was not its doing. */
static uint64_t what_of(const struct hold *h, const struct lockspan_why_part *part)
{
	uint32_t group = part->what < LOCKSPAN_WHY_KEYS ? LSP_INDEX_NONE : group_of(h, part->what, h->at_ns);

	if (group == LSP_INDEX_NONE)
		return part->what;
	return group == h->w->group ? WHAT(OTHERS) : h->k->p->virtuals[group].key;
}

/* The first parts, which follow each other in time. Returns how many they are. */
static size_t ordered_take(struct hold *h, const struct lockspan_why_part *part, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < LOCKSPAN_WHY_ORDERED; i++) {
		uint64_t from_ns = h->at_ns - part[i].ns, woken_ns = h->at_ns;
		uint64_t what = what_of(h, &part[i]);

		/* It had just been woken to get the lock. */
		if (what == WHAT(RUNNABLE) && i + 1 < n && i + 1 < LOCKSPAN_WHY_ORDERED) {
			h->at_ns = from_ns;
			if (what_of(h, &part[i + 1]) == WHAT(OTHERS))
				what = WHAT(OTHERS);
			h->at_ns = woken_ns;
		}
		if (what == WHAT(OTHERS)) {
			part_add(h, what, waited_ns(h, 0));
			h->at_ns = 0;
			return n;
		}
		part_add(h, what, waited_ns(h, from_ns));
		h->at_ns = from_ns;
	}
	return i;
}

/* Parts that are sums: when they were is not known, so it must not matter. */
static void sums_take(struct hold *h, const struct lockspan_why_part *part, size_t n)
{
	uint64_t all_ns = 0;

	for (size_t i = 0; i < n; i++)
		all_ns += part[i].ns;
	if (!n || !is_even(h, h->at_ns - all_ns))
		return;
	for (size_t i = 0; i < n; i++)
		part_add(h, what_of(h, &part[i]), part[i].ns * h->queue->n);
}

/* The wait @i has been released: its releaser is charged for all that were in the queue. */
static int release_divide(struct work *k, uint32_t i, uint64_t cut_ns)
{
	const struct lsp_wait *w = &k->p->waits[i];
	const struct lsp_note *note = w->release == LSP_INDEX_NONE ? NULL : &k->notes->notes[w->release];
	struct hold h = {
		.k = k, .w = w, .queue = &k->queues[w->group], .cut_ns = cut_ns, .at_ns = w->wake_ns,
		.left_ns = w->hold_ns - w->carried_ns,
	};
	const struct lockspan_why_part *part = NULL;
	size_t n = note ? lsp_notes_parts(k->notes, w->release, &part) : 0, taken = 0;

	if (!note || !w->hold_ns)
		return 0;
	/* Of a word with one waiter a part is as long as the time in which it was. */
	if (note->time_ns != w->wake_ns || note->depth != 1 || note->flags & LOCKSPAN_RELEASE_EVEN)
		n = 0;
	if (!(note->flags & LOCKSPAN_RELEASE_SUMMED))
		taken = ordered_take(&h, part, n);
	sums_take(&h, part + taken, n - taken);
	h.left_ns += w->carried_ns;
	part_add(&h, WHAT(UNKNOWN), h.left_ns);
	return k->take(k->arg, i, h.part, h.n);
}

static int queue_add(struct queue *q, uint32_t wait)
{
	if (lsp_array_grow(&q->waits, &q->room, q->n, sizeof(*q->waits)))
		return -ENOMEM;
	q->waits[q->n++] = wait;
	return 0;
}

static void queue_remove(struct queue *q, uint32_t wait)
{
	size_t i = 0;

	while (i < q->n && q->waits[i] != wait)
		i++;
	if (i < q->n)
		q->waits[i] = q->waits[--q->n];
}

static int moment_see(void *arg, const struct lsp_moment *m, uint64_t cut_ns, bool held)
{
	struct work *k = arg;
	const struct lsp_wait *w = &k->p->waits[m->wait];
	int err = 0;

	if (m->kind == LSP_MOMENT_ENQ || m->kind == LSP_MOMENT_ENQ_FIRST)
		return queue_add(&k->queues[w->group], m->wait);
	if (m->kind == LSP_MOMENT_WAKE && w->wake_ns && held)
		err = release_divide(k, m->wait, cut_ns);
	queue_remove(&k->queues[w->group], m->wait);
	return err;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->enq_ns < y->enq_ns ? -1 : x->enq_ns > y->enq_ns;
}

int lsp_holds_divide(struct lsp_parked *p, const struct lsp_notes *notes,
		     int (*take)(void *arg, uint32_t wait, const struct lockspan_why_part *parts, size_t n), void *arg)
{
	struct work k = { .p = p, .notes = notes, .take = take, .arg = arg };
	const struct lsp_charges_watch watch = { moment_see, &k };
	int err = -ENOMEM;

	if (!notes->nparted)
		return 0;
	k.by_word = malloc((p->n + 1) * sizeof(*k.by_word));
	k.queues = calloc((size_t)p->nvirtuals + 1, sizeof(*k.queues));
	if (k.by_word && k.queues) {
		for (uint32_t i = 0; i < p->n; i++)
			k.by_word[i] = (struct place){ p->waits[i].key, p->waits[i].enq_ns, i };
		qsort(k.by_word, p->n, sizeof(*k.by_word), place_compare);
		err = lsp_charges_find(p->waits, p->n, p->nvirtuals, NULL, &watch);
	}
	for (uint32_t i = 0; k.queues && i < p->nvirtuals; i++)
		free(k.queues[i].waits);
	free(k.queues);
	free(k.by_word);
	return err;
}
