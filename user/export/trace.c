// SPDX-License-Identifier: GPL-2.0-only
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/intern.h"
#include "../compare/names.h"
#include "crowd.h"
#include "track.h"

/* Numbers of tracks: of the few that are always there, and of the others by their kind and place in a table. */
enum { TRACK_CROWD = 4, TRACK_INTERRUPTS = 8 };
enum { TRACK_PROCESS = 1, TRACK_THREAD, TRACK_HOLDS, TRACK_KINDS };

struct thread {
	uint32_t tgid;
	uint32_t tid;
};

struct holds {
	struct thread thread;
	uint64_t key;
};

struct timeline {
	struct lsp_export_trace *told;
	struct lsp_event_names names;
	struct lsp_intern texts;	/* names of slices, as they are put together */
	struct lsp_intern processes;	/* of tgids */
	struct lsp_intern threads;	/* of struct thread */
	char (*comms)[LOCKSPAN_COMM_LEN + 1];	/* by thread; "" not known */
	size_t comms_room;
	struct lsp_intern holds;	/* of struct holds */
	struct lsp_intern late;		/* spans that were released after all */
	struct lsp_intern foreign;	/* spans that an interrupt ended */
	uint64_t begin_ns, end_ns;	/* from the first wait to the end of the last */
	uint64_t start_ns, wall_ns;	/* the clocks at the beginning */
	struct lsp_crowd crowd;
	double mean;			/* as it was written last */
	struct lsp_track_writer w;
};

/* ---- what there is ---- */

/* Notes a thread. @comm is NULL where the event does not tell it. */
static int thread_note(struct timeline *l, uint32_t tgid, uint32_t tid, const char *comm)
{
	const struct thread thread = { tgid, tid };
	uint32_t count = l->threads.count;
	int64_t id = lsp_intern_add(&l->threads, &thread, sizeof(thread)), process;

	if (id < 0)
		return (int)id;
	if (l->threads.count > count) {
		if (lsp_array_grow(&l->comms, &l->comms_room, count, sizeof(*l->comms)))
			return -ENOMEM;
		l->comms[id][0] = 0;
		process = lsp_intern_add(&l->processes, &tgid, sizeof(tgid));
		if (process < 0)
			return (int)process;
	}
	if (comm) {
		memcpy(l->comms[id], comm, LOCKSPAN_COMM_LEN);
		l->comms[id][LOCKSPAN_COMM_LEN] = 0;
	}
	return 0;
}

static int id_note(struct lsp_intern *t, uint64_t id)
{
	int64_t place = lsp_intern_add(t, &id, sizeof(id));

	return place < 0 ? (int)place : 0;
}

static int span_note(struct timeline *l, const struct lockspan_span *s)
{
	int err = thread_note(l, s->tgid, s->tid, s->comm);

	l->told->sampled |= s->rate_ns > 1;
	if (!err && s->waker_tid)
		err = thread_note(l, s->waker_tgid, s->waker_tid, NULL);
	if (s->enq_ns < l->begin_ns)
		l->begin_ns = s->enq_ns;
	if (s->run_ns > l->end_ns)
		l->end_ns = s->run_ns;
	return err;
}

static int release_note(struct timeline *l, const struct lockspan_release *r)
{
	l->told->sampled |= r->fraction > 1;
	if (r->rec.flags & LOCKSPAN_RELEASE_IRQ)
		return id_note(&l->foreign, r->span);
	return thread_note(l, r->tgid, r->tid, r->comm);
}

static int entry_note(struct timeline *l, const struct lsp_spanfile_entry *e)
{
	switch (e->kind) {
	case LSP_SPANFILE_HEADER:
		l->start_ns = e->header.start_ns;
		l->wall_ns = (uint64_t)e->header.wall_ns;
		l->told->sampled |= e->header.rates.block_rate_ns != 1 || e->header.rates.mutex_fraction != 1;
		return 0;
	case LSP_SPANFILE_SPAN:
		return span_note(l, &e->span);
	case LSP_SPANFILE_RELEASE:
		return release_note(l, &e->release);
	case LSP_SPANFILE_LATE:
		return id_note(&l->late, e->late.span);
	default:
		return lsp_event_names_add(&l->names, e);
	}
}

/* ---- tracks ---- */

static uint64_t track_of(unsigned int kind, int64_t place)
{
	return (uint64_t)(place + 4) * (TRACK_KINDS + 0ULL) + kind;
}

static uint64_t thread_track(const struct timeline *l, uint32_t tgid, uint32_t tid)
{
	const struct thread thread = { tgid, tid };

	return track_of(TRACK_THREAD, lsp_intern_find(&l->threads, &thread, sizeof(thread)));
}

/* The name of a process is that of its first thread, or of another one if that one had no event of its own. */
static const char *process_name(const struct timeline *l, uint32_t tgid)
{
	const struct thread first = { tgid, tgid };
	int64_t id = lsp_intern_find(&l->threads, &first, sizeof(first));

	if (id >= 0 && l->comms[id][0])
		return l->comms[id];
	for (uint32_t i = 0; i < l->threads.count; i++)
		if (((const struct thread *)lsp_intern_get(&l->threads, i, NULL))->tgid == tgid && l->comms[i][0])
			return l->comms[i];
	return "";
}

static void tracks_write(struct timeline *l)
{
	for (uint32_t i = 0; i < l->processes.count; i++) {
		uint32_t tgid = *(const uint32_t *)lsp_intern_get(&l->processes, i, NULL);

		lsp_track_process(&l->w, track_of(TRACK_PROCESS, i), tgid, process_name(l, tgid));
	}
	for (uint32_t i = 0; i < l->threads.count; i++) {
		const struct thread *t = lsp_intern_get(&l->threads, i, NULL);

		lsp_track_thread(&l->w, track_of(TRACK_THREAD, i), t->tgid, t->tid, l->comms[i]);
	}
	lsp_track_counter(&l->w, TRACK_CROWD, "waiting threads");
	if (l->foreign.count)
		lsp_track_plain(&l->w, TRACK_INTERRUPTS, 0, "interrupts");
}

/* ---- events ---- */

struct lock {
	const char *name;	/* the word's address where it has none */
	const char *sync;
};

static struct lock lock_of(struct timeline *l, uint64_t key, uint64_t uaddr, uint32_t tgid, uint64_t stack)
{
	const struct lsp_event_lock *named = lsp_event_names_lock(&l->names, key, tgid, stack);

	if (named && *named->name)
		return (struct lock){ named->name, named->sync };
	return (struct lock){ lsp_intern_format(&l->texts, "0x%" PRIx64, uaddr), named ? named->sync : "other" };
}

static const char *site_of(const struct timeline *l, uint32_t tgid, uint64_t stack)
{
	const struct lsp_event_trace *t = lsp_event_names_trace(&l->names, tgid, stack);

	return t && *t->site ? t->site : "[no stack]";
}

/* Writes a slice. The names are put together here, from the lock's. Returns 0 or -ENOMEM. */
static int slice_write(struct timeline *l, const struct lsp_track_event *begin, uint64_t end_ns)
{
	const struct lsp_track_event end = { .track = begin->track, .time_ns = end_ns, .type = LSP_TRACK_END };

	if (!begin->name)
		return -ENOMEM;
	lsp_track_event(&l->w, begin);
	lsp_track_event(&l->w, &end);
	return l->w.err;
}

/* The arrow: from a moment on the releaser's track to the time until the waiter runs. */
static int wake_write(struct timeline *l, const struct lockspan_span *s, const char *lock)
{
	bool foreign = lsp_intern_find(&l->foreign, &s->id, sizeof(s->id)) >= 0;
	const struct lsp_track_event from = {
		.track = foreign ? TRACK_INTERRUPTS : thread_track(l, s->waker_tgid, s->waker_tid),
		.time_ns = s->wake_ns, .type = LSP_TRACK_MOMENT, .category = "release",
		.name = lsp_intern_format(&l->texts, "releases %s", lock), .flow = s->id, .flow_end = LSP_TRACK_FLOW_BEGINS,
	};
	struct lsp_track_event late = {
		.track = thread_track(l, s->tgid, s->tid), .time_ns = s->wake_ns, .type = LSP_TRACK_BEGIN,
		.category = "late", .name = "late to run",
	};

	if (!from.name)
		return -ENOMEM;
	if (s->waker_tid || foreign) {
		lsp_track_event(&l->w, &from);
		late.flow = s->id;
		late.flow_end = LSP_TRACK_FLOW_ENDS;
	}
	return slice_write(l, &late, s->run_ns > s->wake_ns ? s->run_ns : s->wake_ns);
}

static int span_write(struct timeline *l, const struct lockspan_span *s)
{
	const bool open = s->outcome == LOCKSPAN_OPEN;
	const uint64_t until_ns = s->enq_ns + lsp_span_lock_wait_ns(s);
	struct lock lock;
	struct lsp_track_event begin = {
		.track = thread_track(l, s->tgid, s->tid), .time_ns = s->enq_ns, .type = LSP_TRACK_BEGIN,
		.category = open ? "open" : "wait", .nnotes = 4,
	};
	int err;

	if (!open && !lsp_span_is_contention(s)) {
		l->told->unmeasured += s->outcome == LOCKSPAN_ERROR;
		return 0;
	}
	lock = lock_of(l, s->key, s->uaddr, s->tgid, s->stack);
	if (!lock.name)
		return -ENOMEM;
	begin.name = lsp_intern_format(&l->texts, "waits for %s", lock.name);
	begin.notes[0] = (struct lsp_track_note){ .key = "class", .text = lock.sync };
	begin.notes[1] = (struct lsp_track_note){ .key = "in", .text = site_of(l, s->tgid, s->stack) };
	begin.notes[2] = (struct lsp_track_note){ .key = "outcome", .text = lsp_outcome_name(
		lsp_intern_find(&l->late, &s->id, sizeof(s->id)) >= 0 ? LOCKSPAN_WOKEN_LATE : s->outcome) };
	begin.notes[3] = (struct lsp_track_note){ .key = "waiters", .number = s->depth };
	l->told->waits++;
	lsp_crowd_add(&l->crowd, s->enq_ns, until_ns);
	err = slice_write(l, &begin, until_ns);
	return !err && s->wake_ns && !open ? wake_write(l, s, lock.name) : err;
}

/* Returns the track of a thread's holds of a lock. It is written before the first of them. */
static int64_t holds_track(struct timeline *l, const struct lockspan_release *r, const char *lock)
{
	struct holds holds;
	uint32_t count = l->holds.count;
	int64_t place;

	memset(&holds, 0, sizeof(holds));
	holds.thread = (struct thread){ r->tgid, r->tid };
	holds.key = r->key;
	place = lsp_intern_add(&l->holds, &holds, sizeof(holds));
	if (place < 0)
		return place;
	if (l->holds.count > count) {
		const char *name = lsp_intern_format(&l->texts, "holds %s", lock);

		if (!name)
			return -ENOMEM;
		lsp_track_plain(&l->w, track_of(TRACK_HOLDS, place), thread_track(l, r->tgid, r->tid), name);
	}
	return (int64_t)track_of(TRACK_HOLDS, place);
}

/*
 * For how long the lock was surely held while somebody waited. The charge is the sum of what all waiters waited since
 * the hold began, so one of them waited its mean or longer. With one waiter the mean is the time itself. 0: not known,
 * because the waiters of the charge are not those that the release counts.
 */
static uint64_t hold_least_ns(const struct lockspan_release *r)
{
	const unsigned int unclear = LOCKSPAN_RELEASE_LATE | LOCKSPAN_RELEASE_AGAIN | LOCKSPAN_RELEASE_IRQ |
				     LOCKSPAN_RELEASE_JOIN;

	if (r->rec.flags & unclear || r->hold_ns <= r->carried_ns)
		return 0;
	return (r->hold_ns - r->carried_ns) / (r->waiters + 1U);
}

static bool is_lock(const char *sync)
{
	for (unsigned int i = 0; i < LSP_SYNC_COUNT; i++)
		if (!strcmp(sync, lsp_sync_name(i)))
			return lsp_sync_is_lock((enum lsp_sync)i);
	return false;
}

static int release_write(struct timeline *l, const struct lockspan_release *r)
{
	struct lock lock;
	uint64_t least_ns;
	struct lsp_track_event e = { .time_ns = r->time_ns, .type = LSP_TRACK_MOMENT, .nnotes = 4 };
	int64_t track = TRACK_INTERRUPTS;

	if (!r->hold_ns)
		return 0;
	lock = lock_of(l, r->key, r->uaddr, r->tgid, r->stack);
	if (!lock.name)
		return -ENOMEM;
	if (!(r->rec.flags & LOCKSPAN_RELEASE_IRQ))
		track = holds_track(l, r, lock.name);
	if (track < 0)
		return (int)track;
	least_ns = is_lock(lock.sync) ? hold_least_ns(r) : 0;
	e.track = (uint64_t)track;
	e.category = least_ns ? "hold" : "charge";
	e.name = lsp_intern_format(&l->texts, least_ns ? "holds %s" : "ends waits for %s", lock.name);
	e.notes[0] = (struct lsp_track_note){ .key = "charged_ns", .number = r->hold_ns };
	e.notes[1] = (struct lsp_track_note){ .key = "waiters", .number = r->waiters + 1U };
	e.notes[2] = (struct lsp_track_note){ .key = "in", .text = site_of(l, r->tgid, r->stack) };
	e.notes[3] = (struct lsp_track_note){ .key = "length", .text = r->waiters ? "at least" : "exact" };
	if (!least_ns) {
		e.nnotes = 3;
		if (e.name)
			lsp_track_event(&l->w, &e);
		return e.name ? l->w.err : -ENOMEM;
	}
	e.type = LSP_TRACK_BEGIN;
	e.time_ns = r->time_ns - least_ns;
	return slice_write(l, &e, r->time_ns);
}

static int entry_write(struct timeline *l, const struct lsp_spanfile_entry *e)
{
	if (e->kind == LSP_SPANFILE_SPAN)
		return span_write(l, &e->span);
	return e->kind == LSP_SPANFILE_RELEASE ? release_write(l, &e->release) : 0;
}

static void mean_write(void *arg, uint64_t time_ns, double mean)
{
	struct timeline *l = arg;
	const struct lsp_track_event e = { .track = TRACK_CROWD, .time_ns = time_ns, .type = LSP_TRACK_VALUE, .value = mean };

	if (mean != l->mean)
		lsp_track_event(&l->w, &e);
	l->mean = mean;
}

/* ---- the file ---- */

/* Calls @take for each entry. Returns 0 or -errno. */
static int file_read(struct timeline *l, const char *path, int (*take)(struct timeline *l, const struct lsp_spanfile_entry *e))
{
	struct lsp_spanfile_reader *reader;
	struct lsp_spanfile_entry entry;
	int err = lsp_spanfile_open(path, &reader), got = 0;

	if (err)
		return err;
	while (!err && (got = lsp_spanfile_next(reader, &entry)) == 1)
		err = take(l, &entry);
	lsp_spanfile_state(reader, &l->told->state);
	lsp_spanfile_reader_close(reader);
	return err ? err : got < 0 ? got : 0;
}

static int timeline_write(struct timeline *l, FILE *to, const char *path)
{
	int err = lsp_crowd_init(&l->crowd, l->begin_ns, l->end_ns), end;

	lsp_track_init(&l->w, to, l->start_ns, l->wall_ns);
	tracks_write(l);
	if (!err)
		err = file_read(l, path, entry_write);
	if (!err && l->end_ns > l->begin_ns)
		lsp_crowd_each(&l->crowd, mean_write, l);
	end = lsp_track_uninit(&l->w);
	lsp_crowd_uninit(&l->crowd);
	return err ? err : end;
}

int lsp_export_trace(FILE *to, const char *path, struct lsp_export_trace *ret)
{
	struct timeline l = { .told = ret, .begin_ns = UINT64_MAX, .mean = -1 };
	int err;

	*ret = (struct lsp_export_trace){ .waits = 0 };
	err = file_read(&l, path, entry_note);
	lsp_event_names_sort(&l.names);
	if (!err)
		err = timeline_write(&l, to, path);
	lsp_event_names_uninit(&l.names);
	lsp_intern_uninit(&l.texts);
	lsp_intern_uninit(&l.processes);
	lsp_intern_uninit(&l.threads);
	lsp_intern_uninit(&l.holds);
	lsp_intern_uninit(&l.late);
	lsp_intern_uninit(&l.foreign);
	free(l.comms);
	return err;
}
