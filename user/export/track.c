// SPDX-License-Identifier: GPL-2.0-only
#include "track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../profile/utf8.h"
#include "trackevent.pb-c.h"

/* All packets are of one sequence, in which names have numbers once they have been written. */
#define SEQUENCE 1
#define NAMES_BEGIN 1
#define NAMES_USED 2

#define CLOCK_WALL 1
#define CLOCK_MONO 3

#define UNIT_COUNT 2

/* A packet is a field of the file's message: its tag and its length stand before it. */
#define TAG_PACKET 0x0a

static void fail(struct lsp_track_writer *w, int err)
{
	if (!w->err)
		w->err = err;
}

static void packet_write(struct lsp_track_writer *w, Lsp__Trackevent__TracePacket *p)
{
	size_t bytes, length, n = 0;
	uint8_t head[11];

	p->has_trusted_packet_sequence_id = 1;
	p->trusted_packet_sequence_id = SEQUENCE;
	length = bytes = lsp__trackevent__trace_packet__get_packed_size(p);
	if (!w->err && bytes > w->room) {
		uint8_t *grown = realloc(w->packet, bytes * 2);

		if (!grown)
			fail(w, -ENOMEM);
		else {
			w->packet = grown;
			w->room = bytes * 2;
		}
	}
	if (w->err)
		return;
	head[n++] = TAG_PACKET;
	for (; length > 0x7f; length >>= 7)
		head[n++] = (uint8_t)(length | 0x80);
	head[n++] = (uint8_t)length;
	lsp__trackevent__trace_packet__pack(p, w->packet);
	if (fwrite(head, 1, n, w->to) != n || fwrite(w->packet, 1, bytes, w->to) != bytes)
		fail(w, -EIO);
}

void lsp_track_init(struct lsp_track_writer *w, FILE *to, uint64_t monotonic_ns, uint64_t wall_ns)
{
	Lsp__Trackevent__TracePacket packet = LSP__TRACKEVENT__TRACE_PACKET__INIT;
	Lsp__Trackevent__TracePacketDefaults defaults = LSP__TRACKEVENT__TRACE_PACKET_DEFAULTS__INIT;
	Lsp__Trackevent__ClockSnapshot snapshot = LSP__TRACKEVENT__CLOCK_SNAPSHOT__INIT;
	Lsp__Trackevent__Clock clocks[2] = { LSP__TRACKEVENT__CLOCK__INIT, LSP__TRACKEVENT__CLOCK__INIT };
	Lsp__Trackevent__Clock *both[2] = { &clocks[0], &clocks[1] };

	*w = (struct lsp_track_writer){ .to = to };
	clocks[0].has_clock_id = clocks[0].has_timestamp = clocks[1].has_clock_id = clocks[1].has_timestamp = 1;
	clocks[0].clock_id = CLOCK_MONO;
	clocks[0].timestamp = monotonic_ns;
	clocks[1].clock_id = CLOCK_WALL;
	clocks[1].timestamp = wall_ns;
	snapshot.clocks = both;
	snapshot.n_clocks = 2;
	snapshot.has_primary_trace_clock = 1;
	snapshot.primary_trace_clock = CLOCK_MONO;
	packet.clock_snapshot = &snapshot;
	packet_write(w, &packet);

	packet = (Lsp__Trackevent__TracePacket)LSP__TRACKEVENT__TRACE_PACKET__INIT;
	defaults.has_timestamp_clock_id = 1;
	defaults.timestamp_clock_id = CLOCK_MONO;
	packet.trace_packet_defaults = &defaults;
	packet.has_sequence_flags = 1;
	packet.sequence_flags = NAMES_BEGIN;
	packet_write(w, &packet);
}

int lsp_track_uninit(struct lsp_track_writer *w)
{
	lsp_intern_uninit(&w->categories);
	lsp_intern_uninit(&w->names);
	lsp_intern_uninit(&w->keys);
	lsp_intern_uninit(&w->texts);
	free(w->packet);
	return w->err;
}

/* ---- tracks ---- */

/* The caller frees it. */
static char *text_of(struct lsp_track_writer *w, const char *name)
{
	char *text = lsp_utf8_clean(name, strlen(name));

	if (!text)
		fail(w, -ENOMEM);
	return text;
}

static void track_write(struct lsp_track_writer *w, Lsp__Trackevent__TrackDescriptor *track, uint64_t number)
{
	Lsp__Trackevent__TracePacket packet = LSP__TRACKEVENT__TRACE_PACKET__INIT;

	track->has_uuid = 1;
	track->uuid = number;
	packet.track_descriptor = track;
	packet_write(w, &packet);
}

void lsp_track_process(struct lsp_track_writer *w, uint64_t track, uint32_t pid, const char *name)
{
	Lsp__Trackevent__TrackDescriptor t = LSP__TRACKEVENT__TRACK_DESCRIPTOR__INIT;
	Lsp__Trackevent__ProcessDescriptor process = LSP__TRACKEVENT__PROCESS_DESCRIPTOR__INIT;

	process.has_pid = 1;
	process.pid = (int32_t)pid;
	process.process_name = text_of(w, name);
	t.process = &process;
	track_write(w, &t, track);
	free(process.process_name);
}

void lsp_track_thread(struct lsp_track_writer *w, uint64_t track, uint32_t pid, uint32_t tid, const char *name)
{
	Lsp__Trackevent__TrackDescriptor t = LSP__TRACKEVENT__TRACK_DESCRIPTOR__INIT;
	Lsp__Trackevent__ThreadDescriptor thread = LSP__TRACKEVENT__THREAD_DESCRIPTOR__INIT;

	thread.has_pid = thread.has_tid = 1;
	thread.pid = (int32_t)pid;
	thread.tid = tid;
	thread.thread_name = text_of(w, name);
	t.thread = &thread;
	track_write(w, &t, track);
	free(thread.thread_name);
}

void lsp_track_plain(struct lsp_track_writer *w, uint64_t track, uint64_t above, const char *name)
{
	Lsp__Trackevent__TrackDescriptor t = LSP__TRACKEVENT__TRACK_DESCRIPTOR__INIT;

	t.name = text_of(w, name);
	t.has_parent_uuid = above != 0;
	t.parent_uuid = above;
	track_write(w, &t, track);
	free(t.name);
}

void lsp_track_counter(struct lsp_track_writer *w, uint64_t track, const char *name)
{
	Lsp__Trackevent__TrackDescriptor t = LSP__TRACKEVENT__TRACK_DESCRIPTOR__INIT;
	Lsp__Trackevent__CounterDescriptor counter = LSP__TRACKEVENT__COUNTER_DESCRIPTOR__INIT;

	counter.has_unit = 1;
	counter.unit = UNIT_COUNT;
	t.counter = &counter;
	t.name = text_of(w, name);
	track_write(w, &t, track);
	free(t.name);
}

/* ---- events ---- */

/* What a packet has of new names: at most one of each kind, and as many notes as an event can have. */
struct news {
	Lsp__Trackevent__InternedData data;
	Lsp__Trackevent__Name names[2 + LSP_TRACK_NOTES_MAX], *name_list[2 + LSP_TRACK_NOTES_MAX];
	Lsp__Trackevent__Text texts[LSP_TRACK_NOTES_MAX], *text_list[LSP_TRACK_NOTES_MAX];
	char *copies[2 + 2 * LSP_TRACK_NOTES_MAX];
	size_t nnames, ntexts, ncopies;
};

/* Returns the number of @text in @t. *@new: the text, to be told to the reader, if it had none; the caller frees it. */
static uint64_t number_of(struct lsp_track_writer *w, struct lsp_intern *t, const char *text, struct news *news, char **new)
{
	uint32_t count = t->count;
	int64_t id = lsp_intern_add(t, text, strlen(text));

	*new = NULL;
	if (id < 0) {
		fail(w, (int)id);
		return 0;
	}
	if (t->count > count) {
		*new = text_of(w, text);
		news->copies[news->ncopies++] = *new;
	}
	return (uint64_t)id + 1;
}

/* The same for a name; the new ones of a kind stand one behind the other, so that *@list is their list. */
static uint64_t name_of(struct lsp_track_writer *w, struct lsp_intern *t, const char *text, struct news *news,
			Lsp__Trackevent__Name ***list, size_t *n)
{
	Lsp__Trackevent__Name *name = &news->names[news->nnames];
	uint64_t number;
	char *new;

	number = number_of(w, t, text, news, &new);
	if (!new)
		return number;
	*name = (Lsp__Trackevent__Name)LSP__TRACKEVENT__NAME__INIT;
	name->has_iid = 1;
	name->iid = number;
	name->name = new;
	news->name_list[news->nnames] = name;
	if (!*n)
		*list = &news->name_list[news->nnames];
	++*n;
	news->nnames++;
	return number;
}

static void text_set(struct lsp_track_writer *w, Lsp__Trackevent__DebugAnnotation *to, const char *text, struct news *news)
{
	Lsp__Trackevent__Text *t = &news->texts[news->ntexts];
	char *new;

	to->has_string_value_iid = 1;
	to->string_value_iid = number_of(w, &w->texts, text, news, &new);
	if (!new)
		return;
	*t = (Lsp__Trackevent__Text)LSP__TRACKEVENT__TEXT__INIT;
	t->has_iid = t->has_str = 1;
	t->iid = to->string_value_iid;
	t->str.data = (uint8_t *)new;
	t->str.len = strlen(new);
	news->text_list[news->ntexts++] = t;
	news->data.debug_annotation_string_values = news->text_list;
	news->data.n_debug_annotation_string_values = news->ntexts;
}

static void note_set(struct lsp_track_writer *w, Lsp__Trackevent__DebugAnnotation *to, const struct lsp_track_note *note,
		     struct news *news)
{
	*to = (Lsp__Trackevent__DebugAnnotation)LSP__TRACKEVENT__DEBUG_ANNOTATION__INIT;
	to->has_name_iid = 1;
	to->name_iid = name_of(w, &w->keys, note->key, news, &news->data.debug_annotation_names,
			       &news->data.n_debug_annotation_names);
	if (note->text) {
		text_set(w, to, note->text, news);
	} else {
		to->has_uint_value = 1;
		to->uint_value = note->number;
	}
}

static void flow_set(Lsp__Trackevent__TrackEvent *to, uint64_t *flow, const struct lsp_track_event *e)
{
	*flow = e->flow;
	if (e->flow && e->flow_end == LSP_TRACK_FLOW_ENDS) {
		to->terminating_flow_ids = flow;
		to->n_terminating_flow_ids = 1;
	} else if (e->flow) {
		to->flow_ids = flow;
		to->n_flow_ids = 1;
	}
}

void lsp_track_event(struct lsp_track_writer *w, const struct lsp_track_event *e)
{
	Lsp__Trackevent__TracePacket packet = LSP__TRACKEVENT__TRACE_PACKET__INIT;
	Lsp__Trackevent__TrackEvent event = LSP__TRACKEVENT__TRACK_EVENT__INIT;
	Lsp__Trackevent__DebugAnnotation notes[LSP_TRACK_NOTES_MAX], *list[LSP_TRACK_NOTES_MAX];
	struct news news;
	uint64_t category, flow;

	news.data = (Lsp__Trackevent__InternedData)LSP__TRACKEVENT__INTERNED_DATA__INIT;
	news.nnames = news.ntexts = news.ncopies = 0;
	event.has_type = event.has_track_uuid = 1;
	event.type = e->type;
	event.track_uuid = e->track;
	if (e->category) {
		category = name_of(w, &w->categories, e->category, &news, &news.data.event_categories,
				   &news.data.n_event_categories);
		event.category_iids = &category;
		event.n_category_iids = 1;
		event.has_name_iid = 1;
		event.name_iid = name_of(w, &w->names, e->name, &news, &news.data.event_names, &news.data.n_event_names);
	}
	event.has_double_counter_value = e->type == LSP_TRACK_VALUE;
	event.double_counter_value = e->value;
	flow_set(&event, &flow, e);
	for (size_t i = 0; i < e->nnotes; i++) {
		list[i] = &notes[i];
		note_set(w, list[i], &e->notes[i], &news);
	}
	event.debug_annotations = list;
	event.n_debug_annotations = e->nnotes;
	packet.has_timestamp = packet.has_sequence_flags = 1;
	packet.timestamp = e->time_ns;
	packet.sequence_flags = NAMES_USED;
	packet.track_event = &event;
	if (news.nnames || news.ntexts)
		packet.interned_data = &news.data;
	packet_write(w, &packet);
	for (size_t i = 0; i < news.ncopies; i++)
		free(news.copies[i]);
}
