// SPDX-License-Identifier: GPL-2.0-only
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

static int span_add(struct lsp_events *e, const struct lockspan_span *s)
{
	if (lsp_array_grow(&e->events, &e->room, e->n, sizeof(*e->events)))
		return -ENOMEM;
	e->sampled |= s->rate_ns != 1;
	e->unlinked |= !s->id;
	e->events[e->n++] = (struct lsp_event){
		.id = s->id,
		.start_ns = s->enq_ns, .wake_ns = s->wake_ns, .end_ns = s->run_ns,
		.uaddr = s->uaddr, .key = s->key, .stack = s->stack, .tid = s->tid,
		.tgid = s->tgid, .own_ns = s->op_word, .slept = lsp_span_is_contention(s),
		.again = s->rec.flags & LOCKSPAN_SPAN_REWAIT,
		.open = s->outcome == LOCKSPAN_OPEN || s->outcome == LOCKSPAN_ERROR,
	};
	return 0;
}

static int release_add(struct lsp_events *e, const struct lockspan_release *r)
{
	if (lsp_array_grow(&e->releases, &e->releases_room, e->nreleases, sizeof(*e->releases)))
		return -ENOMEM;
	e->releases_sampled |= r->fraction > 1;
	e->releases[e->nreleases++] = (struct lsp_event_release){
		.span = r->span, .time_ns = r->time_ns, .key = r->key, .stack = r->stack, .hold_ns = r->hold_ns,
		.tid = r->tid, .tgid = r->tgid,
		.interrupt = r->rec.flags & LOCKSPAN_RELEASE_IRQ, .worker = r->rec.flags & LOCKSPAN_RELEASE_WORKER,
	};
	return 0;
}

static int entry_add(struct lsp_events *e, const struct lsp_spanfile_entry *entry, bool releases)
{
	switch (entry->kind) {
	case LSP_SPANFILE_SPAN:
		return span_add(e, &entry->span);
	case LSP_SPANFILE_RELEASE:
		return releases ? release_add(e, &entry->release) : 0;
	case LSP_SPANFILE_END:
		for (size_t i = 0; i < entry->end.ncounters; i++) {
			const struct lsp_spanfile_counter *c = &entry->end.counters[i];

			if (!strncmp(c->name, "lost_", 5) && c->value)
				e->whole = false;
			if (!strcmp(c->name, "handoff_ns"))
				e->handoff_ns = c->value;
		}
		return 0;
	default:
		return lsp_event_names_add(&e->names, entry);
	}
}

static int number_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int event_compare(const void *a, const void *b)
{
	const struct lsp_event *x = a, *y = b;

	return x->tid != y->tid ? number_compare(x->tid, y->tid) :
		number_compare(x->start_ns, y->start_ns);
}

static int release_compare(const void *a, const void *b)
{
	const struct lsp_event_release *x = a, *y = b;

	return x->span != y->span ? number_compare(x->span, y->span) : number_compare(x->time_ns, y->time_ns);
}

int lsp_events_read(const char *path, bool releases, struct lsp_events *e)
{
	struct lsp_spanfile_reader *reader;
	struct lsp_spanfile_entry entry;
	struct lsp_spanfile_state state;
	int err;

	memset(e, 0, sizeof(*e));
	e->whole = true;
	err = lsp_spanfile_open(path, &reader);
	if (err)
		return err;
	while ((err = lsp_spanfile_next(reader, &entry)) == 1) {
		err = entry_add(e, &entry, releases);
		if (err)
			break;
	}
	lsp_spanfile_state(reader, &state);
	lsp_spanfile_reader_close(reader);
	e->whole &= state.ended && !state.damaged && !e->sampled;
	if (e->n)
		qsort(e->events, e->n, sizeof(*e->events), event_compare);
	if (e->nreleases)
		qsort(e->releases, e->nreleases, sizeof(*e->releases), release_compare);
	lsp_event_names_sort(&e->names);
	return err < 0 ? err : 0;
}

void lsp_events_uninit(struct lsp_events *e)
{
	lsp_event_names_uninit(&e->names);
	free(e->releases);
	free(e->events);
	memset(e, 0, sizeof(*e));
}

const char *lsp_event_site(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_trace *t = lsp_event_names_trace(&e->names, event->tgid, event->stack);

	return t ? t->site : "";
}

const struct lsp_event_release *lsp_event_release(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_release key = { .span = event->id, .time_ns = UINT64_MAX };
	size_t lo = 0, hi = e->nreleases;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (release_compare(&e->releases[mid], &key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return event->wake_ns && lo && e->releases[lo - 1].span == event->id ? &e->releases[lo - 1] : NULL;
}

const char *lsp_event_release_site(const struct lsp_events *e, const struct lsp_event_release *release)
{
	const struct lsp_event_trace *t = lsp_event_names_trace(&e->names, release->tgid, release->stack);

	if (release->interrupt || release->worker)
		return release->interrupt ? "[interrupt]" : "[kernel worker]";
	return t && *t->site ? t->site : "[no stack]";
}

bool lsp_event_is_cond(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_trace *t = lsp_event_names_trace(&e->names, event->tgid, event->stack);

	return t && t->cond;
}

static const struct lsp_event_lock *lock_of(const struct lsp_events *e, const struct lsp_event *event)
{
	return lsp_event_names_lock(&e->names, event->key, event->tgid, event->stack);
}

const char *lsp_event_lock(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_lock *lock = lock_of(e, event);

	return lock ? lock->name : "";
}

const char *lsp_event_sync(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_lock *lock = lock_of(e, event);

	return lock ? lock->sync : "";
}
