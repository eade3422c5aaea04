// SPDX-License-Identifier: GPL-2.0-only
#include "deadlocks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../collect/reading.h"
#include "json.h"
#include "recorder.h"

/* Looking takes at most one part in so many of the time. */
#define LOOK_ONE_IN 100
/* If it takes longer, the module's messages wait for too long: then there is only the look at the end. */
#define LOOK_MOST_NS 50000000
/* Processes of the command that are looked at. */
#define PROCESSES_MAX 1024

void lsp_deadlocks_uninit(struct lsp_deadlocks *d)
{
	lsp_stuck_uninit(&d->found);
}

/* The processes that were given, and their children. */
static size_t processes_list(const struct lsp_record_options *o, pid_t child, uint32_t *tgids)
{
	size_t n = 0;

	if (child > 0)
		tgids[n++] = (uint32_t)child;
	for (size_t i = 0; i < o->npids && n < PROCESSES_MAX; i++)
		tgids[n++] = (uint32_t)o->pids[i];
	for (size_t i = 0; i < n; i++)
		n += lsp_stuck_children(tgids[i], &tgids[n], PROCESSES_MAX - n);
	return n;
}

static bool is_known(const struct lsp_stuck *all, const struct lsp_stuck_wait *w)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->waits[i].tid == w->tid && all->waits[i].tgid == w->tgid && all->waits[i].uaddr == w->uaddr)
			return true;
	return false;
}

/* A deadlock does not change: it is known as a whole, or not at all. */
static void found_add(struct lsp_stuck *to, const struct lsp_stuck *from, struct lsp_collector *c)
{
	uint32_t first = to->n ? to->cycles[to->n - 1] + 1 : 0;
	size_t before = to->n;

	for (size_t i = 0; i < from->n; i++) {
		const struct lsp_stuck_wait *w = &from->waits[i];
		struct lsp_stuck known = { .waits = to->waits, .n = before };

		if (is_known(&known, w) || lsp_collector_watch(c, w->tgid, w->tid, w->uaddr) ||
		    lsp_stuck_add(to, w, first + from->cycles[i]))
			continue;
	}
}

void lsp_deadlocks_look(struct lsp_deadlocks *d, const struct lsp_record_options *o, pid_t child, struct lsp_collector *c,
			bool now)
{
	uint64_t begin_ns = lsp_clock_ns(CLOCK_MONOTONIC), took_ns;
	uint32_t tgids[PROCESSES_MAX];
	struct lsp_stuck found = { 0 };
	int err;

	if (!now && begin_ns < d->next_ns)
		return;
	d->everybody = o->all || o->cgroup;
	if (d->everybody)
		err = lsp_stuck_find_all(&found);
	else
		err = lsp_stuck_find(tgids, processes_list(o, child, tgids), &found);
	if (!err)
		found_add(&d->found, &found, c);
	lsp_stuck_uninit(&found);
	took_ns = lsp_clock_ns(CLOCK_MONOTONIC) - begin_ns;
	d->next_ns = took_ns > LOOK_MOST_NS && !d->found.n ? UINT64_MAX : begin_ns + LOOK_ONE_IN * took_ns;
}

/* ---- what was found ---- */

static size_t cycle_end(const struct lsp_stuck *s, size_t first)
{
	size_t end = first;

	while (end < s->n && s->cycles[end] == s->cycles[first])
		end++;
	return end;
}

/* Whether one of the threads was recorded, if others were looked at, too. */
static bool is_recorded(const struct lsp_deadlocks *d, const struct lsp_collector *c, size_t first, size_t end)
{
	struct lsp_root wait;

	for (size_t i = first; c && d->everybody && i < end; i++)
		if (lsp_collector_watched(c, d->found.waits[i].tgid, d->found.waits[i].tid, d->found.waits[i].uaddr, &wait))
			return true;
	return !c || !d->everybody;
}

/* Where @w waits, and for what. A wait that began before the recording has neither stack nor name. */
static void wait_name(const struct lsp_collector *c, const struct lsp_stuck_wait *w, struct lsp_root *ret, char address[32])
{
	if (c && lsp_collector_watched(c, w->tgid, w->tid, w->uaddr, ret) && ret->lock)
		return;
	snprintf(address, 32, "0x%" PRIx64, w->uaddr);
	*ret = (struct lsp_root){ .site = "", .lock = address };
}

static struct json_object *thread_new(const struct lsp_collector *c, const struct lsp_stuck_wait *w)
{
	struct json_object *o = json_object_new_object();
	struct lsp_root wait;
	char address[32];

	wait_name(c, w, &wait, address);
	lsp_json_u64(o, "tid", w->tid);
	lsp_json_u64(o, "pid", w->tgid);
	lsp_json_string(o, "comm", w->comm);
	lsp_json_string(o, "lock", wait.lock);
	lsp_json_string(o, "site", wait.site ? wait.site : "");
	if (wait.trace)
		json_object_object_add(o, "stack", lsp_json_new_stack(wait.trace));
	return o;
}

struct json_object *lsp_deadlocks_json(const struct lsp_deadlocks *d, const struct lsp_collector *c)
{
	struct json_object *list = json_object_new_array(), *o, *threads;

	for (size_t first = 0, end; d && first < d->found.n; first = end) {
		end = cycle_end(&d->found, first);
		if (!is_recorded(d, c, first, end))
			continue;
		o = json_object_new_object();
		threads = json_object_new_array();
		for (size_t i = first; i < end; i++)
			json_object_array_add(threads, thread_new(c, &d->found.waits[i]));
		json_object_object_add(o, "threads", threads);
		json_object_array_add(list, o);
	}
	return list;
}

void lsp_deadlocks_text(FILE *to, const struct lsp_deadlocks *d, const struct lsp_collector *c)
{
	for (size_t first = 0, end; d && first < d->found.n; first = end) {
		end = cycle_end(&d->found, first);
		if (!is_recorded(d, c, first, end))
			continue;
		fputs("; deadlock: ", to);
		for (size_t i = first; i < end; i++) {
			const struct lsp_stuck_wait *w = &d->found.waits[i], *next = &d->found.waits[i + 1 < end ? i + 1 : first];
			struct lsp_root wait;
			char address[32];

			wait_name(c, w, &wait, address);
			fprintf(to, "%s%s (thread %u) waits for %s", i > first ? ", " : "", w->comm, w->tid, wait.lock);
			if (wait.site && *wait.site)
				fprintf(to, " in %s", wait.site);
			fprintf(to, ", which thread %u has", next->tid);
		}
	}
}
