/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a timeline in Perfetto's TrackEvent format (trackevent.proto), packet by packet: tracks, and slices, moments
 * and values on them. Packets may come in any order of time. Only the source of this header knows the format.
 */
#ifndef LSP_EXPORT_TRACK_H
#define LSP_EXPORT_TRACK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/intern.h"

#define LSP_TRACK_NOTES_MAX 4

enum lsp_track_event_type { LSP_TRACK_BEGIN = 1, LSP_TRACK_END, LSP_TRACK_MOMENT, LSP_TRACK_VALUE };

struct lsp_track_event {
	uint64_t track;
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	enum lsp_track_event_type type;
	const char *category;		/* NULL at an end and at a value, as the name */
	const char *name;
	double value;
	uint64_t flow;			/* an arrow leads from the event that begins a flow to the one that ends it; 0 none */
	enum { LSP_TRACK_FLOW_BEGINS, LSP_TRACK_FLOW_ENDS } flow_end;
	struct lsp_track_note {
		const char *key;
		const char *text;	/* NULL: the number */
		uint64_t number;
	} notes[LSP_TRACK_NOTES_MAX];
	size_t nnotes;
};

struct lsp_track_writer {
	FILE *to;
	struct lsp_intern categories, names, keys, texts;
	uint8_t *packet;
	size_t room;
	int err;			/* the first error; nothing is written after it */
};

/* Begins the file. The two clocks are of one moment. */
void lsp_track_init(struct lsp_track_writer *w, FILE *to, uint64_t monotonic_ns, uint64_t wall_ns);

/* Returns the first error of all calls: -ENOMEM, -EOVERFLOW (4 GiB of names) or -EIO. */
int lsp_track_uninit(struct lsp_track_writer *w);

/*
 * Each adds a track, whose number @track is not 0 and is that of no other track. A name need not be UTF-8. @above: 0
 * or the track below which it is shown.
 */
void lsp_track_process(struct lsp_track_writer *w, uint64_t track, uint32_t pid, const char *name);
void lsp_track_thread(struct lsp_track_writer *w, uint64_t track, uint32_t pid, uint32_t tid, const char *name);
void lsp_track_plain(struct lsp_track_writer *w, uint64_t track, uint64_t above, const char *name);
void lsp_track_counter(struct lsp_track_writer *w, uint64_t track, const char *name);

void lsp_track_event(struct lsp_track_writer *w, const struct lsp_track_event *e);

#endif
