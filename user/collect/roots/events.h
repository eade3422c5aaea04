/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps each wait and each release of a recording, as far as the roots of blame need them. There is room for half a
 * million of each. They take 60 MiB, and some 60 MiB more for a moment while roots are found.
 */
#ifndef LSP_COLLECT_ROOTS_EVENTS_H
#define LSP_COLLECT_ROOTS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/index.h"
#include "../../capture/span.h"

struct lsp_root_wait {
	uint64_t span;
	uint64_t key;
	uint64_t enq_ns;
	uint64_t wake_ns;	/* 0: nobody woke it */
	uint64_t run_ns;
	uint32_t tid;
	uint32_t group;		/* the queue that it is in: a word's or a virtual key's */
	bool gives_up;		/* a timer, a signal or a stray wake-up ended it */
	bool open;		/* it had not ended at STOP */
};

/* What the key of a release is used for, as far as that decides where blame goes on. */
enum lsp_root_use {
	LSP_ROOT_NOT_KNOWN,
	LSP_ROOT_LOCK,		/* its releaser is blamed */
	LSP_ROOT_SIGNAL,	/* no lock: the releaser gave a signal */
	LSP_ROOT_UNSURE,	/* it may be several locks */
};

struct lsp_root_release {
	uint64_t span;
	uint64_t key;
	uint64_t time_ns;
	uint64_t hold_ns;
	uint64_t unknown_ns;	/* of it: what the releaser did is not known */
	uint64_t locks_ns;	/* of it: the releaser waited for other futexes */
	uint32_t tid;
	uint32_t stack;		/* these two are of the row that the release was added to */
	uint32_t kind;
	uint32_t group;
	uint16_t flags;		/* of the record */
	uint8_t use;		/* enum lsp_root_use */
};

struct lsp_root_events {
	bool on;		/* false: none are kept */
	bool full;		/* there was no room or no memory for all */
	bool sampled;		/* a rate left some out */
	struct lsp_root_wait *waits;
	size_t nwaits;
	size_t waits_room;
	struct lsp_root_release *releases;
	size_t nreleases;
	size_t releases_room;
};

/* All zero is empty. */
void lsp_root_events_uninit(struct lsp_root_events *e);

void lsp_root_events_add_span(struct lsp_root_events *e, const struct lockspan_span *s);
/* @stack, @kind: of the row. */
void lsp_root_events_add_release(struct lsp_root_events *e, const struct lockspan_release *r, uint32_t stack, uint32_t kind);

/*
 * Sorts all events by their spans. Sets their groups to the places of their words among all words, and *@groups to the
 * number of words. 0 or -ENOMEM.
 */
int lsp_root_events_group(struct lsp_root_events *e, uint32_t *groups);

/* Once they are sorted: the wait of a span, and the first release that names it; NULL: there is none. */
struct lsp_root_wait *lsp_root_events_wait(const struct lsp_root_events *e, uint64_t span);
struct lsp_root_release *lsp_root_events_release(const struct lsp_root_events *e, uint64_t span);

/* Sets what a release's parts say of its hold_ns, as far as it matters here. What no part accounts for is unknown. */
void lsp_root_release_parts(struct lsp_root_release *r, const struct lockspan_why_part *parts, size_t n);

#endif
