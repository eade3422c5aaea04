// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a timeline that lacks a wait, a release or an arrow, has one twice, or whose slices do not add up to
 * the file's waits and charges; an arrow from a thread that an interrupt only interrupted; a hold that is shown longer
 * than it can have been; an event on a track that is not there; waits without a length that are shown or not told;
 * a mean number of waiting threads that is not what was waited.
 * sources: user/export/trace.c user/export/track.c user/export/crowd.c user/export/trackevent.pb-c.c user/compare/names.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile_read.c user/capture/spanfile.pb-c.c user/capture/span.c
 * sources: user/report/site.c user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/profile/ user/base/ tests/unit/scratch.c
 * libs: -lprotobuf-c -lz -ljson-c -lm
 *
 * test_trace --file PATH [WAITS] writes the span file of the first test, or one of so many waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/export/crowd.h"
#include "../../user/export/trace.h"
#include "../../user/export/trackevent.pb-c.h"
#include "scratch.h"

#define PID 100
#define WAITER 101
#define HOLDER 102
#define LOCK 0x100000000ULL
#define STACK 7

static char path[4096];

static struct lockspan_span span(uint64_t id, unsigned int outcome, uint64_t enq_ns, uint64_t wake_ns, uint64_t run_ns)
{
	struct lockspan_span s = {
		.rec = { .type = LOCKSPAN_REC_SPAN, .bytes = sizeof(s) }, .id = id, .enq_ns = enq_ns, .wake_ns = wake_ns,
		.run_ns = run_ns, .key = LOCK, .end_key = LOCK, .uaddr = 0x4000, .stack = STACK, .rate_ns = 1,
		.tid = WAITER, .tgid = PID, .depth = 1, .outcome = (uint8_t)outcome, .comm = "waiter\xff",
	};

	if (wake_ns) {
		s.waker_tid = HOLDER;
		s.waker_tgid = PID;
	}
	return s;
}

static struct lockspan_release release(uint64_t id, uint64_t time_ns, uint64_t hold_ns, uint16_t waiters, uint16_t flags)
{
	return (struct lockspan_release){
		.rec = { .type = LOCKSPAN_REC_RELEASE, .bytes = sizeof(struct lockspan_release), .flags = flags },
		.span = id, .time_ns = time_ns, .hold_ns = hold_ns, .key = LOCK, .uaddr = 0x4000, .stack = STACK,
		.fraction = 1, .tid = HOLDER, .tgid = PID, .waiter_tid = WAITER, .waiter_tgid = PID, .waiters = waiters,
		.comm = "holder",
	};
}

static void names_write(struct lsp_spanfile_writer *w)
{
	const struct lsp_spanfile_line line = { "crit", "/src/prog.c", 3 };
	const struct lsp_spanfile_frame frame = { .object = "/bin/prog", .build_id = "", .lines = &line, .nlines = 1 };
	const struct lsp_spanfile_trace trace = { .number = 0, .end = "complete", .sync = "mutex", .frames = &frame, .nframes = 1 };
	const struct lsp_spanfile_stack stack = { .id = STACK, .tgid = PID, .trace = 0 };
	const struct lsp_spanfile_lock lock = { .key = LOCK, .name = "g_mu", .sync = "mutex", .tgid = PID };
	const struct lsp_spanfile_end end = { .stop_ns = 10000 };

	lsp_spanfile_add_trace(w, &trace);
	lsp_spanfile_add_stack(w, &stack);
	lsp_spanfile_add_lock(w, &lock);
	lsp_spanfile_add_end(w, &end);
}

static struct lsp_spanfile_writer *file_begin(void)
{
	const struct lsp_spanfile_header header = {
		.release = "0", .kernel = "k", .wall_ns = 5000000, .start_ns = 500, .rates = { .block_rate_ns = 1, .mutex_fraction = 1 } };
	struct lsp_spanfile_writer *w;

	if (lsp_spanfile_create(path, &w))
		abort();
	lsp_spanfile_add_header(w, &header);
	return w;
}

/*
 * Waits of 1000, 300 (by an interrupt), 400 (a timeout, which a release reached after all) and 150 (open) ns, and two
 * that have no length. The first is released after a hold of 1000 ns, of which another waiter was there all the time.
 */
static int file_write(void)
{
	const struct lockspan_span spans[] = {
		span(1, LOCKSPAN_WOKEN, 1000, 2000, 2100), span(2, LOCKSPAN_WOKEN, 3000, 3300, 3350),
		span(3, LOCKSPAN_TIMEOUT, 4000, 0, 4400), span(4, LOCKSPAN_NOSLEEP, 5000, 0, 5100),
		span(5, LOCKSPAN_ERROR, 5200, 0, 5300), span(6, LOCKSPAN_OPEN, 6000, 0, 6150),
	};
	const struct lockspan_release releases[] = {
		release(1, 2000, 2000, 1, 0), release(2, 3300, 300, 0, LOCKSPAN_RELEASE_IRQ),
		release(3, 4500, 400, 0, LOCKSPAN_RELEASE_LATE), release(9, 7000, 100, 0, 0), release(9, 7100, 0, 0, 0),
	};
	const struct lockspan_late late = {
		.rec = { .type = LOCKSPAN_REC_LATE, .bytes = sizeof(late) }, .span = 3, .time_ns = 4500, .tid = WAITER,
		.old_outcome = LOCKSPAN_TIMEOUT };
	struct lsp_spanfile_writer *w = file_begin();

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		lsp_spanfile_add_span(w, &spans[i]);
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		lsp_spanfile_add_release(w, &releases[i]);
	lsp_spanfile_add_late(w, &late);
	names_write(w);
	return lsp_spanfile_close(w);
}

/* Eight threads take turns. */
static int many_write(unsigned long n)
{
	struct lsp_spanfile_writer *w = file_begin();

	for (unsigned long i = 1; i <= n; i++) {
		struct lockspan_span s = span(i, LOCKSPAN_WOKEN, i * 1000, i * 1000 + 7000, i * 1000 + 7100);
		struct lockspan_release r = release(i, i * 1000 + 7000, 7000, 7, 0);

		s.tid = (uint32_t)(WAITER + i % 8);
		s.waker_tid = r.tid = (uint32_t)(WAITER + (i + 7) % 8);
		lsp_spanfile_add_release(w, &r);
		lsp_spanfile_add_span(w, &s);
	}
	names_write(w);
	return lsp_spanfile_close(w);
}

/* ---- a timeline, read again ---- */

#define KINDS_MAX 8
#define TRACKS_MAX 64

struct seen {
	Lsp__Trackevent__Trace *trace;
	uint64_t tracks[TRACKS_MAX];
	size_t ntracks;
	char categories[KINDS_MAX][16];
	struct {
		size_t events;
		uint64_t ns;
	} kinds[KINDS_MAX];		/* by the category's number */
	uint64_t charged_ns;		/* the note of the number that "charged_ns" has */
	uint64_t charged_key;
	double waited;			/* area below the counter */
	char text[2048];		/* all names and texts */
};

static void names_take(struct seen *s, const Lsp__Trackevent__InternedData *data)
{
	for (size_t i = 0; i < data->n_event_categories; i++)
		snprintf(s->categories[data->event_categories[i]->iid], 16, "%s", data->event_categories[i]->name);
	for (size_t i = 0; i < data->n_event_names; i++)
		strcat(strcat(s->text, data->event_names[i]->name), "|");
	for (size_t i = 0; i < data->n_debug_annotation_names; i++)
		if (!strcmp(data->debug_annotation_names[i]->name, "charged_ns"))
			s->charged_key = data->debug_annotation_names[i]->iid;
	for (size_t i = 0; i < data->n_debug_annotation_string_values; i++)
		snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%.*s|",
			 (int)data->debug_annotation_string_values[i]->str.len,
			 (const char *)data->debug_annotation_string_values[i]->str.data);
}

static void event_take(struct seen *s, size_t place)
{
	const Lsp__Trackevent__TracePacket *p = s->trace->packet[place], *next = NULL;
	const Lsp__Trackevent__TrackEvent *e = p->track_event;
	size_t i = 0;

	while (i < s->ntracks && s->tracks[i] != e->track_uuid)
		i++;
	assert_true(i < s->ntracks);
	for (i = 0; i < e->n_debug_annotations; i++)
		if (e->debug_annotations[i]->name_iid == s->charged_key)
			s->charged_ns += e->debug_annotations[i]->uint_value;
	if (!e->n_category_iids)
		return;
	s->kinds[e->category_iids[0]].events++;
	if (e->type != 1)
		return;
	/* A slice's end follows at once. */
	next = s->trace->packet[place + 1];
	assert_int_equal(next->track_event->type, 2);
	assert_int_equal(next->track_event->track_uuid, e->track_uuid);
	assert_true(next->timestamp >= p->timestamp);
	s->kinds[e->category_iids[0]].ns += next->timestamp - p->timestamp;
}

static void counter_take(struct seen *s, const Lsp__Trackevent__TracePacket *p, const Lsp__Trackevent__TracePacket **last)
{
	if (p->track_event->type != 4)
		return;
	if (*last)
		s->waited += (*last)->track_event->double_counter_value * (double)(p->timestamp - (*last)->timestamp);
	*last = p;
}

static void trace_see(struct seen *s, struct lsp_export_trace *told)
{
	const Lsp__Trackevent__TracePacket *value = NULL;
	char *data;
	size_t bytes;
	FILE *to = open_memstream(&data, &bytes);

	memset(s, 0, sizeof(*s));
	assert_int_equal(lsp_export_trace(to, path, told), 0);
	fclose(to);
	s->trace = lsp__trackevent__trace__unpack(NULL, bytes, (const uint8_t *)data);
	free(data);
	assert_non_null(s->trace);
	for (size_t i = 0; i < s->trace->n_packet; i++) {
		const Lsp__Trackevent__TracePacket *p = s->trace->packet[i];

		assert_int_equal(p->trusted_packet_sequence_id, 1);
		if (p->interned_data)
			names_take(s, p->interned_data);
		if (p->track_descriptor) {
			for (size_t k = 0; k < s->ntracks; k++)
				assert_true(s->tracks[k] != p->track_descriptor->uuid);
			s->tracks[s->ntracks++] = p->track_descriptor->uuid;
		}
		if (p->track_event) {
			event_take(s, i);
			counter_take(s, p, &value);
		}
	}
}

static void kind_is(const struct seen *s, const char *category, size_t events, uint64_t ns)
{
	for (size_t i = 0; i < KINDS_MAX; i++)
		if (!strcmp(s->categories[i], category)) {
			assert_int_equal(s->kinds[i].events, events);
			assert_int_equal(s->kinds[i].ns, ns);
			return;
		}
	fail_msg("no %s", category);
}

/* Returns the packet that begins or ends the flow; there is one, not more. */
static const Lsp__Trackevent__TracePacket *flow_packet(const struct seen *s, uint64_t flow, bool end)
{
	const Lsp__Trackevent__TracePacket *found = NULL;

	for (size_t i = 0; i < s->trace->n_packet; i++) {
		const Lsp__Trackevent__TrackEvent *e = s->trace->packet[i]->track_event;

		if (!e || !(end ? e->n_terminating_flow_ids : e->n_flow_ids) ||
		    (end ? e->terminating_flow_ids[0] : e->flow_ids[0]) != flow)
			continue;
		assert_null(found);
		found = s->trace->packet[i];
	}
	return found;
}

static const Lsp__Trackevent__TrackDescriptor *track_packet(const struct seen *s, uint64_t track)
{
	for (size_t i = 0; i < s->trace->n_packet; i++)
		if (s->trace->packet[i]->track_descriptor && s->trace->packet[i]->track_descriptor->uuid == track)
			return s->trace->packet[i]->track_descriptor;
	fail_msg("no track %d", (int)track);
	return NULL;
}

static void test_timeline(void **state)
{
	struct lsp_export_trace told;
	const Lsp__Trackevent__TracePacket *p;
	struct seen s;

	(void)state;
	assert_int_equal(file_write(), 0);
	trace_see(&s, &told);
	assert_true(told.state.ended);
	assert_false(told.sampled);
	assert_int_equal(told.waits, 4);
	assert_int_equal(told.unmeasured, 1);
	kind_is(&s, "wait", 3, 1000 + 300 + 400);
	kind_is(&s, "open", 1, 150);
	kind_is(&s, "late", 2, 100 + 50);
	kind_is(&s, "release", 2, 0);
	/* Two waiters were charged 2000 ns together: one of them waited for 1000 ns or longer. */
	kind_is(&s, "hold", 2, 1000 + 100);
	kind_is(&s, "charge", 2, 0);
	assert_int_equal(s.charged_ns, 2000 + 300 + 400 + 100);
	assert_true(s.waited > 1849.999 && s.waited < 1850.001);
	assert_non_null(strstr(s.text, "waits for g_mu|"));
	assert_non_null(strstr(s.text, "|crit|"));
	assert_non_null(strstr(s.text, "woken_late"));
	assert_null(strstr(s.text, "timeout"));

	for (size_t i = 0; i < s.trace->n_packet; i++)
		if (s.trace->packet[i]->track_descriptor && s.trace->packet[i]->track_descriptor->process)
			assert_string_equal(s.trace->packet[i]->track_descriptor->process->process_name, "waiter\xef\xbf\xbd");
	p = flow_packet(&s, 1, false);
	assert_int_equal(p->timestamp, 2000);
	assert_int_equal(track_packet(&s, p->track_event->track_uuid)->thread->tid, HOLDER);
	p = flow_packet(&s, 1, true);
	assert_int_equal(p->timestamp, 2000);
	assert_int_equal(track_packet(&s, p->track_event->track_uuid)->thread->tid, WAITER);
	assert_string_equal(track_packet(&s, p->track_event->track_uuid)->thread->thread_name, "waiter\xef\xbf\xbd");
	p = flow_packet(&s, 2, false);
	assert_string_equal(track_packet(&s, p->track_event->track_uuid)->name, "interrupts");
	assert_non_null(flow_packet(&s, 2, true));
	lsp__trackevent__trace__free_unpacked(s.trace, NULL);
}

/* Names are written once, whatever the number of events. A file that was sampled says so. */
static void test_many(void **state)
{
	struct lsp_export_trace told;
	struct seen s;

	(void)state;
	assert_int_equal(many_write(3000), 0);
	trace_see(&s, &told);
	assert_int_equal(told.waits, 3000);
	kind_is(&s, "wait", 3000, 3000 * 7000ULL);
	kind_is(&s, "release", 3000, 0);
	assert_int_equal(s.charged_ns, 3000 * 7000ULL);
	assert_true(strlen(s.text) < 200);
	for (uint64_t i = 1; i <= 3000; i += 499) {
		assert_non_null(flow_packet(&s, i, false));
		assert_non_null(flow_packet(&s, i, true));
	}
	lsp__trackevent__trace__free_unpacked(s.trace, NULL);
}

struct area {
	uint64_t time_ns;
	double mean, sum;
};

static void area_add(void *arg, uint64_t time_ns, double mean)
{
	struct area *a = arg;

	assert_true(mean >= 0);
	a->sum += a->mean * (double)(time_ns - a->time_ns);
	a->mean = mean;
	a->time_ns = time_ns;
}

static void test_crowd(void **state)
{
	struct area a = { .time_ns = 1000 };
	struct lsp_crowd c;
	uint64_t sum = 0, from, bytes = 12345;

	(void)state;
	assert_int_equal(lsp_crowd_init(&c, 1000, 1000000), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		bytes = bytes * 6364136223846793005ULL + 1442695040888963407ULL;
		from = 1000 + (bytes >> 33) % 900000;
		lsp_crowd_add(&c, from, from + i * 90);
		sum += i * 90;
	}
	lsp_crowd_add(&c, 10, 1100);		/* 100 of it are within */
	lsp_crowd_add(&c, 5000, 5000);
	lsp_crowd_each(&c, area_add, &a);
	assert_true(a.sum > (double)sum + 99 && a.sum < (double)sum + 101);
	lsp_crowd_uninit(&c);
}

static int folder_make(void **state)
{
	int err = scratch_create(state);

	strcpy(path, scratch_path("spans"));
	return err;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeline), cmocka_unit_test(test_many), cmocka_unit_test(test_crowd),
	};

	if (argc >= 3 && !strcmp(argv[1], "--file")) {
		snprintf(path, sizeof(path), "%s", argv[2]);
		return argc > 3 ? many_write(strtoul(argv[3], NULL, 10)) : file_write();
	}
	return cmocka_run_group_tests(tests, folder_make, scratch_destroy);
}
