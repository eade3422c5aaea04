// SPDX-License-Identifier: GPL-2.0-only
#include "whatif_load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../capture/span.h"
#include "../compare/events.h"

void lsp_whatif_loaded_uninit(struct lsp_whatif_loaded *l)
{
	lsp_whatif_recorded_uninit(&l->recorded);
	lsp_intern_uninit(&l->names);
	lsp_intern_uninit(&l->lock_names);
	lsp_intern_uninit(&l->keys);
	free(l->lock_name);
	free(l->fair);
	free(l->known);
	free(l->places);
	memset(l, 0, sizeof(*l));
}

/* Returns the number of a string, or -ENOMEM. */
static int64_t number_of(struct lsp_intern *t, const char *string)
{
	const char *copy = lsp_intern_string(t, string);

	return copy ? (int64_t)lsp_intern_id(copy) : -ENOMEM;
}

/* Returns the number of an event's lock, or -ENOMEM. */
static int64_t lock_of(struct lsp_whatif_loaded *l, const struct lsp_events *events, const struct lsp_event *event)
{
	int64_t lock = lsp_intern_add(&l->keys, &event->key, sizeof(event->key)), name;
	const char *sync;

	if (lock < 0 || (size_t)lock < l->nlocks)
		return lock;
	name = number_of(&l->lock_names, lsp_event_lock(events, event));
	if (name < 0 || lsp_array_grow(&l->lock_name, &l->locks_room[0], l->nlocks, sizeof(*l->lock_name)) ||
	    lsp_array_grow(&l->fair, &l->locks_room[1], l->nlocks, sizeof(*l->fair)) ||
	    lsp_array_grow(&l->known, &l->locks_room[2], l->nlocks, sizeof(*l->known)))
		return -ENOMEM;
	sync = lsp_event_sync(events, event);
	l->lock_name[l->nlocks] = (uint32_t)name;
	l->fair[l->nlocks] = !strcmp(sync, lsp_sync_name(LSP_SYNC_PI));
	l->known[l->nlocks++] = l->fair[lock] || !strcmp(sync, lsp_sync_name(LSP_SYNC_MUTEX));
	return lock;
}

static bool is_join(const struct lsp_events *events, const struct lsp_event *event)
{
	return !strcmp(lsp_event_sync(events, event), lsp_sync_name(LSP_SYNC_JOIN));
}

static int wait_add(struct lsp_whatif_loaded *l, const struct lsp_events *events, const struct lsp_event *e, uint32_t thread,
		    uint32_t lock)
{
	struct lsp_whatif_recorded *r = &l->recorded;
	const char *name = lsp_event_site(events, e);
	int64_t site = number_of(&l->names, *name ? name : "[no stack]");

	if (site < 0 || lsp_array_grow(&r->waits, &r->waits_room, r->nwaits, sizeof(*r->waits)))
		return -ENOMEM;
	r->waits[r->nwaits++] = (struct lsp_whatif_wait){
		.enq_ns = e->start_ns, .wake_ns = e->wake_ns, .run_ns = e->end_ns, .thread = thread, .lock = lock,
		.site = (uint32_t)site, .again = e->again, .open = e->open };
	return 0;
}

/* Waits of a thread lie together. Before its first wait for a lock it may wait for its start. */
static int waits_add(struct lsp_whatif_loaded *l, const struct lsp_events *events, struct lsp_intern *threads)
{
	uint32_t tid = 0;
	bool begun = false;
	int err = 0;

	for (size_t i = 0; !err && i < events->n; i++) {
		const struct lsp_event *e = &events->events[i];
		int64_t thread, lock = lock_of(l, events, e);

		if (lock < 0)
			return (int)lock;
		begun &= i && e->tid == tid;
		tid = e->tid;
		if (!l->known[lock]) {
			if (begun && e->slept && !is_join(events, e))
				l->elsewhere_ns += (double)(e->end_ns - e->start_ns);
			continue;
		}
		begun = true;
		thread = lsp_intern_add(threads, &e->tid, sizeof(e->tid));
		err = thread < 0 ? (int)thread : wait_add(l, events, e, (uint32_t)thread, (uint32_t)lock);
	}
	return err;
}

static int place_add(struct lsp_whatif_loaded *l, struct lsp_intern *places, uint32_t site, uint32_t lock, double hold_ns)
{
	const uint32_t key[2] = { site, l->lock_name[lock] };
	int64_t place = lsp_intern_add(places, key, sizeof(key));

	if (place < 0 || lsp_array_grow(&l->places, &l->places_room, l->nplaces, sizeof(*l->places)))
		return -ENOMEM;
	if ((size_t)place == l->nplaces)
		l->places[l->nplaces++] = (struct lsp_whatif_place){ site, key[1], 0 };
	l->places[place].hold_ns += hold_ns;
	return 0;
}

static int place_compare(const void *a, const void *b)
{
	const struct lsp_whatif_place *x = a, *y = b;

	return (x->hold_ns < y->hold_ns) - (x->hold_ns > y->hold_ns);
}

static int releases_add(struct lsp_whatif_loaded *l, const struct lsp_events *events, struct lsp_intern *threads)
{
	struct lsp_whatif_recorded *r = &l->recorded;
	struct lsp_intern places;
	int err = 0;

	lsp_intern_init(&places);
	for (size_t i = 0; !err && i < events->nreleases; i++) {
		const struct lsp_event_release *e = &events->releases[i];
		int64_t lock = lsp_intern_find(&l->keys, &e->key, sizeof(e->key)), thread, site;

		if (lock < 0 || !l->known[lock])
			continue;
		thread = lsp_intern_add(threads, &e->tid, sizeof(e->tid));
		site = number_of(&l->names, lsp_event_release_site(events, e));
		if (thread < 0 || site < 0 || lsp_array_grow(&r->releases, &r->releases_room, r->nreleases, sizeof(*r->releases)))
			err = -ENOMEM;
		if (!err)
			err = place_add(l, &places, (uint32_t)site, (uint32_t)lock, (double)e->hold_ns);
		if (!err)
			r->releases[r->nreleases++] = (struct lsp_whatif_release){
				e->time_ns, (uint32_t)thread, (uint32_t)lock, (uint32_t)site };
	}
	if (l->nplaces)
		qsort(l->places, l->nplaces, sizeof(*l->places), place_compare);
	lsp_intern_uninit(&places);
	return err;
}

static const char *events_refuse(const struct lsp_events *events)
{
	if (events->sampled || events->releases_sampled)
		return "the recording is a sample, and a replay needs all events";
	if (events->unlinked)
		return "it was recorded within the program, where no event tells how long a wait lasted in the kernel";
	if (!events->whole)
		return "not all events are there";
	return NULL;
}

int lsp_whatif_load(const char *path, struct lsp_whatif_loaded *l, const char **why)
{
	char file[PATH_MAX];
	struct lsp_events events;
	struct lsp_intern threads;
	int err;

	memset(l, 0, sizeof(*l));
	*why = NULL;
	lsp_intern_init(&l->names);
	lsp_intern_init(&l->lock_names);
	lsp_intern_init(&l->keys);
	if ((size_t)snprintf(file, sizeof(file), "%s/spans.lspan", path) >= sizeof(file))
		return -ENAMETOOLONG;
	if (access(path, F_OK))
		return -errno;
	if (access(file, F_OK)) {
		*why = "there is no spans.lspan in it; lockspan record --spans writes one";
		return -ENOENT;
	}
	err = lsp_events_read(file, true, &events);
	if (!err) {
		*why = events_refuse(&events);
		err = *why ? -ENODATA : 0;
	}
	lsp_intern_init(&threads);
	if (!err)
		err = waits_add(l, &events, &threads);
	if (!err)
		err = releases_add(l, &events, &threads);
	l->recorded.nthreads = threads.count;
	l->recorded.nlocks = l->nlocks;
	l->recorded.nsites = l->names.count;
	lsp_intern_uninit(&threads);
	lsp_events_uninit(&events);
	return err;
}
