// SPDX-License-Identifier: GPL-2.0-only
#include "events.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "../capture/spanfile.h"
#include "../report/site.h"

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
	};
	return 0;
}

static int release_add(struct lsp_events *e, const struct lockspan_release *r)
{
	if (lsp_array_grow(&e->releases, &e->releases_room, e->nreleases, sizeof(*e->releases)))
		return -ENOMEM;
	e->releases_sampled |= r->fraction > 1;
	e->releases[e->nreleases++] = (struct lsp_event_release){
		.span = r->span, .time_ns = r->time_ns, .stack = r->stack, .tgid = r->tgid,
		.interrupt = r->rec.flags & LOCKSPAN_RELEASE_IRQ, .worker = r->rec.flags & LOCKSPAN_RELEASE_WORKER,
	};
	return 0;
}

static int trace_add(struct lsp_events *e, const struct lsp_spanfile_trace *t)
{
	struct json_object *names = json_object_new_array();
	struct lsp_event_trace *grown;
	size_t want = (size_t)t->number + 1;

	for (size_t i = 0; names && i < t->nframes; i++)
		for (size_t k = 0; k < t->frames[i].nlines; k++)
			json_object_array_add(names,
				json_object_new_string(t->frames[i].lines[k].function));
	if (want > e->ntraces) {
		grown = realloc(e->traces, want * sizeof(*grown));
		if (!grown) {
			json_object_put(names);
			return -ENOMEM;
		}
		memset(grown + e->ntraces, 0, (want - e->ntraces) * sizeof(*grown));
		e->traces = grown;
		e->ntraces = want;
	}
	free(e->traces[t->number].site);
	e->traces[t->number].site = strdup(lsp_site_of_names(names));
	e->traces[t->number].cond = !strcmp(t->sync, "cond");
	json_object_put(names);
	return e->traces[t->number].site ? 0 : -ENOMEM;
}

static int lock_add(struct lsp_events *e, const struct lsp_spanfile_lock *l)
{
	char *name, *sync;

	if (lsp_array_grow(&e->locks, &e->locks_room, e->nlocks, sizeof(*e->locks)))
		return -ENOMEM;
	name = strdup(l->name);
	sync = strdup(l->sync);
	if (!name || !sync) {
		free(name);
		free(sync);
		return -ENOMEM;
	}
	e->locks[e->nlocks] = (struct lsp_event_lock){
		.key = l->key, .name = name, .sync = sync, .order = e->nlocks,
		.tgid = l->tgid, .generation = l->generation };
	e->nlocks++;
	return 0;
}

static int entry_add(struct lsp_events *e, const struct lsp_spanfile_entry *entry, bool releases)
{
	switch (entry->kind) {
	case LSP_SPANFILE_SPAN:
		return span_add(e, &entry->span);
	case LSP_SPANFILE_RELEASE:
		return releases ? release_add(e, &entry->release) : 0;
	case LSP_SPANFILE_TRACE:
		return trace_add(e, &entry->trace);
	case LSP_SPANFILE_LOCK:
		return lock_add(e, &entry->lock);
	case LSP_SPANFILE_STACK:
		if (lsp_array_grow(&e->stacks, &e->stacks_room, e->nstacks, sizeof(*e->stacks)))
			return -ENOMEM;
		e->stacks[e->nstacks++] = (struct lsp_event_stack){
			entry->stack.id, entry->stack.tgid, entry->stack.trace, entry->stack.generation };
		return 0;
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
		return 0;
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

static int stack_compare(const void *a, const void *b)
{
	const struct lsp_event_stack *x = a, *y = b;

	return x->tgid != y->tgid ? number_compare(x->tgid, y->tgid) : number_compare(x->id, y->id);
}

static int release_compare(const void *a, const void *b)
{
	const struct lsp_event_release *x = a, *y = b;

	return x->span != y->span ? number_compare(x->span, y->span) : number_compare(x->time_ns, y->time_ns);
}

static int lock_compare(const void *a, const void *b)
{
	const struct lsp_event_lock *x = a, *y = b;

	return x->key != y->key ? number_compare(x->key, y->key) : number_compare(x->order, y->order);
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
	if (e->nstacks)
		qsort(e->stacks, e->nstacks, sizeof(*e->stacks), stack_compare);
	if (e->nlocks)
		qsort(e->locks, e->nlocks, sizeof(*e->locks), lock_compare);
	return err < 0 ? err : 0;
}

void lsp_events_uninit(struct lsp_events *e)
{
	for (size_t i = 0; i < e->ntraces; i++)
		free(e->traces[i].site);
	for (size_t i = 0; i < e->nlocks; i++) {
		free(e->locks[i].name);
		free(e->locks[i].sync);
	}
	free(e->releases);
	free(e->traces);
	free(e->locks);
	free(e->stacks);
	free(e->events);
	memset(e, 0, sizeof(*e));
}

static const struct lsp_event_stack *stack_of(const struct lsp_events *e, uint32_t tgid, uint64_t stack)
{
	struct lsp_event_stack key = { .id = stack, .tgid = tgid };

	return e->nstacks ? bsearch(&key, e->stacks, e->nstacks, sizeof(key), stack_compare) : NULL;
}

static const struct lsp_event_trace *trace_of(const struct lsp_events *e, uint32_t tgid, uint64_t stack)
{
	const struct lsp_event_stack *s = stack_of(e, tgid, stack);

	return s && s->trace < e->ntraces && e->traces[s->trace].site ? &e->traces[s->trace] : NULL;
}

const char *lsp_event_site(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_trace *t = trace_of(e, event->tgid, event->stack);

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
	const struct lsp_event_trace *t = trace_of(e, release->tgid, release->stack);

	if (release->interrupt || release->worker)
		return release->interrupt ? "[interrupt]" : "[kernel worker]";
	return t && *t->site ? t->site : "[no stack]";
}

bool lsp_event_is_cond(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_trace *t = trace_of(e, event->tgid, event->stack);

	return t && t->cond;
}

/* Returns the place of the first name of @key or of a greater key. */
static size_t lock_first(const struct lsp_events *e, uint64_t key)
{
	size_t lo = 0, hi = e->nlocks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->locks[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct lsp_event_lock *lock_of(const struct lsp_events *e, const struct lsp_event *event)
{
	const struct lsp_event_stack *s = stack_of(e, event->tgid, event->stack);
	size_t first = lock_first(e, event->key);

	for (size_t i = first; s && i < e->nlocks && e->locks[i].key == event->key; i++)
		if (e->locks[i].tgid == event->tgid && e->locks[i].generation == s->generation)
			return &e->locks[i];
	return first < e->nlocks && e->locks[first].key == event->key ? &e->locks[first] : NULL;
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
