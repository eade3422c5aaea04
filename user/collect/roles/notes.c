// SPDX-License-Identifier: GPL-2.0-only
#include "notes.h"

#include <stdlib.h>
#include <string.h>

/* 32 MiB, and some 50 MiB more for a moment while the roles are found. */
#define NOTES_MAX (1U << 19)

/* Of what releasers did there is room for so much: 16 MiB, and 6 MiB to find it. */
#define PARTS_MAX (1U << 20)

void lsp_notes_uninit(struct lsp_notes *notes)
{
	free(notes->notes);
	free(notes->parted);
	free(notes->parts);
	memset(notes, 0, sizeof(*notes));
}

static struct lsp_note *note_new(struct lsp_notes *notes)
{
	if (notes->n < notes->room)
		return &notes->notes[notes->n++];
	if (notes->full || notes->n == NOTES_MAX ||
	    lsp_array_grow(&notes->notes, &notes->room, notes->n, sizeof(*notes->notes))) {
		notes->full = true;
		return NULL;
	}
	return &notes->notes[notes->n++];
}

int lsp_notes_add_span(struct lsp_notes *notes, const struct lockspan_span *s, struct lsp_note_row row)
{
	struct lsp_note *n = note_new(notes);

	if (!n)
		return -ENOSPC;
	notes->sampled |= s->rate_ns > 1;
	*n = (struct lsp_note){
		.span = s->id, .key = s->key, .enq_ns = s->enq_ns, .wake_ns = s->wake_ns, .run_ns = s->run_ns,
		.tid = s->tid, .tgid = s->tgid, .stack = row.stack, .comm = row.comm, .kind = row.kind,
		.depth = s->depth, .flags = s->rec.flags,
	};
	return 0;
}

static void parts_add(struct lsp_notes *notes, const struct lockspan_release *r)
{
	size_t n = (r->rec.bytes - sizeof(*r)) / sizeof(*notes->parts);

	if (!(r->rec.flags & LOCKSPAN_RELEASE_WHY) || notes->nparts + n > PARTS_MAX ||
	    lsp_array_grow(&notes->parted, &notes->parted_room, notes->nparted, sizeof(*notes->parted)))
		return;
	notes->parted[notes->nparted] = (struct lsp_note_parts){ (uint32_t)notes->n - 1, (uint32_t)notes->nparts, (uint32_t)n };
	for (size_t i = 0; i < n; i++) {
		if (lsp_array_grow(&notes->parts, &notes->parts_room, notes->nparts, sizeof(*notes->parts)))
			return;
		notes->parts[notes->nparts++] = ((const struct lockspan_why_part *)(r + 1))[i];
	}
	notes->nparted++;
}

size_t lsp_notes_parts(const struct lsp_notes *notes, uint32_t note, const struct lockspan_why_part **ret)
{
	size_t low = 0, high = notes->nparted;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (notes->parted[middle].note < note)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == notes->nparted || notes->parted[low].note != note)
		return 0;
	*ret = &notes->parts[notes->parted[low].first];
	return notes->parted[low].n;
}

int lsp_notes_add_release(struct lsp_notes *notes, const struct lockspan_release *r, struct lsp_note_row row)
{
	struct lsp_note *n = note_new(notes);

	if (!n)
		return -ENOSPC;
	notes->sampled |= r->fraction > 1;
	*n = (struct lsp_note){
		.span = r->span, .key = r->key, .time_ns = r->time_ns, .hold_ns = r->hold_ns,
		.handoff_ns = r->handoff_ns, .tid = r->tid, .tgid = r->tgid, .stack = row.stack, .comm = row.comm, .kind = row.kind,
		.depth = (uint16_t)(r->waiters + !(r->rec.flags & LOCKSPAN_RELEASE_LATE)),
		.flags = r->rec.flags,
	};
	parts_add(notes, r);
	return 0;
}

/* ---- spans and releases become waits ---- */

struct place {
	uint64_t by;
	uint32_t at;
};

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int wait_compare(const void *a, const void *b)
{
	const struct lsp_wait *x = a, *y = b;

	if (x->enq_ns != y->enq_ns)
		return x->enq_ns < y->enq_ns ? -1 : 1;
	return x->span < y->span ? -1 : x->span > y->span;
}

/* Whether what it waited is carried, if it left while the lock was held. */
static bool wait_gives_up(const struct lsp_note *n)
{
	switch (n->kind >> LSP_NOTE_OUTCOME_SHIFT & LSP_NOTE_OUTCOME_MASK) {
	case LOCKSPAN_TIMEOUT:
	case LOCKSPAN_SIGNAL:
	case LOCKSPAN_STRAY:
	case LOCKSPAN_WOKEN_LATE:
		return (n->kind & LSP_NOTE_KIND_MASK) == 0;
	default:
		return false;
	}
}

static struct lsp_wait wait_of(const struct lsp_note *n, uint32_t at)
{
	struct lsp_wait w = {
		.key = n->key, .enq_ns = n->enq_ns, .wake_ns = n->wake_ns, .run_ns = n->run_ns, .tid = n->tid,
		.span = at, .release = LSP_INDEX_NONE, .site = LSP_INDEX_NONE, .by_site = LSP_INDEX_NONE,
		.gives_up = wait_gives_up(n),
	};

	/* Moments in their order, whatever the record says. */
	if (w.run_ns < w.enq_ns)
		w.run_ns = w.enq_ns;
	if (w.wake_ns && w.wake_ns < w.enq_ns)
		w.wake_ns = w.enq_ns;
	if (w.run_ns < w.wake_ns)
		w.run_ns = w.wake_ns;
	return w;
}

/* A release counts for the word that it was made on: a wait can have moved to another. */
static void release_join(struct lsp_wait *w, const struct lsp_note *n, uint32_t at)
{
	if (n->key != w->key)
		return;
	if (n->flags & LOCKSPAN_RELEASE_LATE) {
		if (w->wake_ns)
			return;
		w->late_ns = n->time_ns > w->run_ns ? n->time_ns : w->run_ns;
	} else if (!w->wake_ns) {
		return;
	}
	w->by = n->tid;
	w->release = at;
}

static void releases_join(const struct lsp_notes *notes, const struct place *spans, size_t nspans,
			  struct lsp_wait *waits)
{
	for (uint32_t i = 0; i < notes->n; i++) {
		const struct lsp_note *n = &notes->notes[i];
		size_t low = 0, high = nspans;

		if ((n->kind & LSP_NOTE_KIND_MASK) != LSP_NOTE_RELEASE)
			continue;
		while (low < high) {
			size_t middle = (low + high) / 2;

			if (spans[middle].by < n->span)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < nspans && spans[low].by == n->span)
			release_join(&waits[low], n, i);
	}
}

int lsp_notes_waits(const struct lsp_notes *notes, struct lsp_wait **ret, size_t *n_ret)
{
	struct place *spans = calloc(notes->n + 1, sizeof(*spans));
	struct lsp_wait *waits;
	size_t n = 0;

	*ret = NULL;
	*n_ret = 0;
	if (!spans)
		return -ENOMEM;
	for (uint32_t i = 0; i < notes->n; i++)
		if ((notes->notes[i].kind & LSP_NOTE_KIND_MASK) != LSP_NOTE_RELEASE)
			spans[n++] = (struct place){ notes->notes[i].span, i };
	qsort(spans, n, sizeof(*spans), place_compare);
	waits = calloc(n + 1, sizeof(*waits));
	if (!waits) {
		free(spans);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		waits[i] = wait_of(&notes->notes[spans[i].at], spans[i].at);
	releases_join(notes, spans, n, waits);
	free(spans);
	qsort(waits, n, sizeof(*waits), wait_compare);
	*ret = waits;
	*n_ret = n;
	return 0;
}
