// SPDX-License-Identifier: GPL-2.0-only
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX (1U << 19)

void lsp_root_events_uninit(struct lsp_root_events *e)
{
	free(e->waits);
	free(e->releases);
	memset(e, 0, sizeof(*e));
}

static bool gives_up(unsigned int outcome)
{
	return outcome == LOCKSPAN_TIMEOUT || outcome == LOCKSPAN_SIGNAL || outcome == LOCKSPAN_STRAY ||
	       outcome == LOCKSPAN_WOKEN_LATE;
}

void lsp_root_events_add_span(struct lsp_root_events *e, const struct lockspan_span *s)
{
	struct lsp_root_wait *w;

	if (!e->on || e->full)
		return;
	if (e->nwaits == EVENTS_MAX || lsp_array_grow(&e->waits, &e->waits_room, e->nwaits, sizeof(*e->waits))) {
		e->full = true;
		return;
	}
	e->sampled |= s->rate_ns > 1;
	w = &e->waits[e->nwaits++];
	*w = (struct lsp_root_wait){
		.span = s->id, .key = s->key, .enq_ns = s->enq_ns, .wake_ns = s->wake_ns, .run_ns = s->run_ns,
		.tid = s->tid, .gives_up = gives_up(s->outcome), .open = s->outcome == LOCKSPAN_OPEN,
	};
	/* Moments in their order, whatever the record says. */
	if (w->wake_ns && w->wake_ns < w->enq_ns)
		w->wake_ns = w->enq_ns;
	if (w->run_ns < w->enq_ns)
		w->run_ns = w->enq_ns;
	if (w->run_ns < w->wake_ns)
		w->run_ns = w->wake_ns;
}

void lsp_root_release_parts(struct lsp_root_release *r, const struct lockspan_why_part *parts, size_t n)
{
	r->unknown_ns = r->hold_ns;
	r->locks_ns = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t ns = parts[i].ns < r->unknown_ns ? parts[i].ns : r->unknown_ns;

		if (parts[i].what >> LOCKSPAN_WHY_CALL_BITS != LOCKSPAN_WHY_UNKNOWN)
			r->unknown_ns -= ns;
		if (parts[i].what >= LOCKSPAN_WHY_KEYS)
			r->locks_ns += ns;
	}
}

void lsp_root_events_add_release(struct lsp_root_events *e, const struct lockspan_release *r, uint32_t stack, uint32_t kind)
{
	struct lsp_root_release *to;

	if (!e->on || e->full)
		return;
	if (e->nreleases == EVENTS_MAX ||
	    lsp_array_grow(&e->releases, &e->releases_room, e->nreleases, sizeof(*e->releases))) {
		e->full = true;
		return;
	}
	e->sampled |= r->fraction > 1;
	to = &e->releases[e->nreleases++];
	*to = (struct lsp_root_release){
		.span = r->span, .key = r->key, .time_ns = r->time_ns, .hold_ns = r->hold_ns, .tid = r->tid,
		.stack = stack, .kind = kind, .flags = r->rec.flags,
	};
	lsp_root_release_parts(to, (const void *)(r + 1), r->rec.flags & LOCKSPAN_RELEASE_WHY ?
			       (r->rec.bytes - sizeof(*r)) / sizeof(struct lockspan_why_part) : 0);
}

static int wait_compare(const void *a, const void *b)
{
	const struct lsp_root_wait *x = a, *y = b;

	return x->span < y->span ? -1 : x->span > y->span;
}

static int release_compare(const void *a, const void *b)
{
	const struct lsp_root_release *x = a, *y = b;

	if (x->span != y->span)
		return x->span < y->span ? -1 : 1;
	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

struct lsp_root_wait *lsp_root_events_wait(const struct lsp_root_events *e, uint64_t span)
{
	const struct lsp_root_wait wanted = { .span = span };

	return e->nwaits ? bsearch(&wanted, e->waits, e->nwaits, sizeof(wanted), wait_compare) : NULL;
}

struct lsp_root_release *lsp_root_events_release(const struct lsp_root_events *e, uint64_t span)
{
	size_t low = 0, high = e->nreleases;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (e->releases[middle].span < span)
			low = middle + 1;
		else
			high = middle;
	}
	return low < e->nreleases && e->releases[low].span == span ? &e->releases[low] : NULL;
}

static int key_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint32_t key_place(const uint64_t *keys, size_t n, uint64_t key)
{
	const uint64_t *at = bsearch(&key, keys, n, sizeof(*keys), key_compare);

	return (uint32_t)(at - keys);
}

int lsp_root_events_group(struct lsp_root_events *e, uint32_t *groups)
{
	uint64_t *keys = malloc((e->nwaits + e->nreleases + 1) * sizeof(*keys));
	size_t n = 0, distinct = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < e->nwaits; i++)
		keys[n++] = e->waits[i].key;
	for (size_t i = 0; i < e->nreleases; i++)
		keys[n++] = e->releases[i].key;
	qsort(keys, n, sizeof(*keys), key_compare);
	if (e->nwaits)
		qsort(e->waits, e->nwaits, sizeof(*e->waits), wait_compare);
	if (e->nreleases)
		qsort(e->releases, e->nreleases, sizeof(*e->releases), release_compare);
	for (size_t i = 0; i < n; i++)
		if (!distinct || keys[distinct - 1] != keys[i])
			keys[distinct++] = keys[i];
	for (size_t i = 0; i < e->nwaits; i++)
		e->waits[i].group = key_place(keys, distinct, e->waits[i].key);
	for (size_t i = 0; i < e->nreleases; i++)
		e->releases[i].group = key_place(keys, distinct, e->releases[i].key);
	free(keys);
	*groups = (uint32_t)distinct;
	return 0;
}
