/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps single events until it is known what their word is used for. Sums by stack
 * do not show in which order a word went from hand to hand. There is room for half
 * a million events. Later events are only summed.
 */
#ifndef LSP_COLLECT_NOTES_H
#define LSP_COLLECT_NOTES_H

#include "../../capture/span.h"
#include "waits.h"

/* What the two lowest bits of a note's kind say of it: enum lsp_row_kind (collector.h). */
#define LSP_NOTE_KIND_MASK 0x3U
#define LSP_NOTE_RELEASE 1U
/* And these, of a wait: enum lockspan_outcome. */
#define LSP_NOTE_OUTCOME_SHIFT 16
#define LSP_NOTE_OUTCOME_MASK 0xffU

struct lsp_note {
	uint64_t span;
	uint64_t key;
	union {
		struct { uint64_t enq_ns, wake_ns, run_ns; };
		struct { uint64_t time_ns, hold_ns, handoff_ns; };
	};
	uint32_t tid;
	uint32_t tgid;
	uint32_t stack;		/* these three are of the row that the event was added to */
	uint32_t comm;
	uint32_t kind;
	uint16_t depth;		/* of a release: waiters charged */
	uint16_t flags;		/* of the record */
};

/* What the releaser of one note did. */
struct lsp_note_parts {
	uint32_t note;
	uint32_t first;		/* place of its parts among all */
	uint32_t n;
};

struct lsp_notes {
	struct lsp_note *notes;
	size_t n;
	size_t room;
	struct lsp_note_parts *parted;	/* ascending by note */
	size_t nparted;
	size_t parted_room;
	struct lockspan_why_part *parts;
	size_t nparts;
	size_t parts_room;
	bool full;		/* no more are taken */
	bool sampled;		/* a rate left some events out */
};

/* All zero is an empty set. */
void lsp_notes_uninit(struct lsp_notes *notes);

/* What a note has of the row that its event was added to. */
struct lsp_note_row {
	uint32_t stack, comm, kind;
};

/* Add one event. Return 0, or -ENOSPC if there is no room. */
int lsp_notes_add_span(struct lsp_notes *notes, const struct lockspan_span *s, struct lsp_note_row row);
int lsp_notes_add_release(struct lsp_notes *notes, const struct lockspan_release *r, struct lsp_note_row row);

/* The parts of a noted release, as the module sent them, and their number. 0: it sent none, or there was no room for them. */
size_t lsp_notes_parts(const struct lsp_notes *notes, uint32_t note, const struct lockspan_why_part **ret);

/*
 * The noted waits in order of enq_ns, with the releases that ended them; to be
 * freed. Sites and groups are not set. A release whose wait is not noted is in none. -ENOMEM.
 */
int lsp_notes_waits(const struct lsp_notes *notes, struct lsp_wait **ret, size_t *n_ret);

#endif
