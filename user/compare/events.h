/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the waits of a span file, by thread and time, and their releases. Tells the site, the lock and the class of an
 * event, and the release that ended a wait.
 */
#ifndef LSP_COMPARE_EVENTS_H
#define LSP_COMPARE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

struct lsp_event {
	uint64_t id;		/* number of the span */
	uint64_t start_ns;	/* enq */
	uint64_t wake_ns;	/* 0 none */
	uint64_t end_ns;	/* run */
	uint64_t uaddr;
	uint64_t key;
	uint64_t stack;
	uint32_t tid;
	uint32_t tgid;
	uint32_t own_ns;	/* user's side: the recorder's own time before the wait itself */
	bool slept;
	bool again;		/* its thread was woken on this key just before */
	bool open;		/* its end was not seen */
};

struct lsp_events {
	struct lsp_event *events;	/* ascending by tid, then start */
	size_t n, room;
	struct lsp_event_release {
		uint64_t span;
		uint64_t time_ns;
		uint64_t key;
		uint64_t stack;
		uint64_t hold_ns;
		uint32_t tid;
		uint32_t tgid;
		bool interrupt;		/* the stack is that of an unrelated thread */
		bool worker;		/* a thread of the kernel's, which has no stack */
	} *releases;			/* ascending by span, then time; only if they were asked for */
	size_t nreleases, releases_room;
	struct lsp_event_names names;
	uint64_t handoff_ns;		/* exact, of all events */
	bool releases_sampled;
	bool unlinked;			/* the library's waits have no numbers, so no release says which one it ended */
	bool sampled;			/* waits were */
	bool whole;			/* not cut off, not sampled, and nothing lost */
};

/* Reads waits and, with @releases, releases. Returns 0 or -errno. In both cases the result must be uninitialised. */
int lsp_events_read(const char *path, bool releases, struct lsp_events *ret);
void lsp_events_uninit(struct lsp_events *e);

/* "" where it is not known. */
const char *lsp_event_site(const struct lsp_events *e, const struct lsp_event *event);
const char *lsp_event_lock(const struct lsp_events *e, const struct lsp_event *event);
const char *lsp_event_sync(const struct lsp_events *e, const struct lsp_event *event);
/*
 * Returns the release that ended a wait: the last of those that it had. NULL: nobody ended it, or the release is
 * not in the file.
 */
const struct lsp_event_release *lsp_event_release(const struct lsp_events *e, const struct lsp_event *event);

/* "[no stack]" and the like where it has none. */
const char *lsp_event_release_site(const struct lsp_events *e, const struct lsp_event_release *release);

bool lsp_event_is_cond(const struct lsp_events *e, const struct lsp_event *event);

#endif
