// SPDX-License-Identifier: GPL-2.0-only
/* The lines are written by hand, not by json-c, because there may be tens of millions of them. */
#include "export_events.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../capture/spanfile.h"
#include "cmd.h"
#include "json.h"
#include "say.h"
#include "span_source.h"

static void text_put(const char *key, const char *value)
{
	printf(",\"%s\":", key);
	lsp_json_text(stdout, value);
}

static void number_put(const char *key, uint64_t value)
{
	printf(",\"%s\":%" PRIu64, key, value);
}

/* Names and addresses use all 64 bits, which JSON's numbers cannot hold. */
static void name_put(const char *key, uint64_t value)
{
	printf(",\"%s\":\"0x%" PRIx64 "\"", key, value);
}

static void flag_put(uint16_t flags, uint16_t flag, const char *key)
{
	if (flags & flag)
		printf(",\"%s\":true", key);
}

static void comm_put(const char *comm)
{
	char text[LOCKSPAN_COMM_LEN + 1] = "";

	memcpy(text, comm, LOCKSPAN_COMM_LEN);
	text_put("comm", text);
}

static void header_print(const struct lsp_spanfile_header *h)
{
	printf("{\"type\":\"header\"");
	text_put("lockspan", h->release);
	number_put("contract", h->contract);
	text_put("kernel", h->kernel);
	printf(",\"command\":[");
	for (size_t i = 0; h->command[i]; i++) {
		fputs(i ? "," : "", stdout);
		lsp_json_text(stdout, h->command[i]);
	}
	printf("],\"wall_ns\":%" PRId64, h->wall_ns);
	number_put("start_ns", h->start_ns);
	number_put("block_rate_ns", h->rates.block_rate_ns);
	number_put("mutex_fraction", h->rates.mutex_fraction);
	number_put("min_delay_ns", h->rates.min_delay_ns);
	puts("}");
}

static void span_print(const struct lockspan_span *s)
{
	printf("{\"type\":\"span\"");
	name_put("id", s->id);
	text_put("outcome", lsp_outcome_name(s->outcome));
	text_put("op", lsp_op_name(s->op));
	number_put("enq_ns", s->enq_ns);
	if (s->wake_ns)
		number_put("wake_ns", s->wake_ns);
	number_put("run_ns", s->run_ns);
	number_put("lock_wait_ns", lsp_span_lock_wait_ns(s));
	number_put("sched_delay_ns", lsp_span_sched_delay_ns(s));
	number_put("tail_ns", s->tail_ns);
	number_put("handoff_ns", s->handoff_ns);
	number_put("rate_ns", s->rate_ns);
	number_put("depth", s->depth);
	name_put("key", s->key);
	if (s->end_key != s->key)
		name_put("end_key", s->end_key);
	name_put("uaddr", s->uaddr);
	number_put("tid", s->tid);
	number_put("pid", s->tgid);
	comm_put(s->comm);
	if (s->waker_tid) {
		number_put("waker_tid", s->waker_tid);
		number_put("waker_pid", s->waker_tgid);
	}
	if (s->stack)
		name_put("stack", s->stack);
	flag_put(s->rec.flags, LOCKSPAN_SPAN_SHARED, "shared");
	flag_put(s->rec.flags, LOCKSPAN_SPAN_COMPAT, "compat");
	flag_put(s->rec.flags, LOCKSPAN_SPAN_JOIN, "join");
	flag_put(s->rec.flags, LOCKSPAN_SPAN_REWAIT, "rewait");
	flag_put(s->rec.flags, LOCKSPAN_SPAN_UNSPLIT, "unsplit");
	flag_put(s->rec.flags, LOCKSPAN_SPAN_RELEASED, "released");
	flag_put(s->rec.flags, LOCKSPAN_SPAN_CARRIED, "carried");
	puts("}");
}

static void release_print(const struct lockspan_release *r)
{
	printf("{\"type\":\"release\"");
	name_put("span", r->span);
	number_put("time_ns", r->time_ns);
	number_put("hold_ns", r->hold_ns);
	number_put("handoff_ns", r->handoff_ns);
	if (r->carried_ns)
		number_put("carried_ns", r->carried_ns);
	number_put("fraction", r->fraction);
	number_put("waiters", r->waiters);
	text_put("op", lsp_op_name(r->op));
	name_put("key", r->key);
	name_put("uaddr", r->uaddr);
	number_put("tid", r->tid);
	number_put("pid", r->tgid);
	comm_put(r->comm);
	number_put("waiter_tid", r->waiter_tid);
	number_put("waiter_pid", r->waiter_tgid);
	if (r->stack)
		name_put("stack", r->stack);
	flag_put(r->rec.flags, LOCKSPAN_RELEASE_EXITING, "exiting");
	flag_put(r->rec.flags, LOCKSPAN_RELEASE_JOIN, "join");
	flag_put(r->rec.flags, LOCKSPAN_RELEASE_IRQ, "interrupt");
	flag_put(r->rec.flags, LOCKSPAN_RELEASE_WORKER, "worker");
	flag_put(r->rec.flags, LOCKSPAN_RELEASE_AGAIN, "again");
	flag_put(r->rec.flags, LOCKSPAN_RELEASE_LATE, "late");
	flag_put(r->rec.flags, LOCKSPAN_RELEASE_PI, "pi");
	puts("}");
}

static void given_up_print(const struct lockspan_given_up *g)
{
	printf("{\"type\":\"given_up\"");
	number_put("time_ns", g->time_ns);
	number_put("waits", g->waits);
	number_put("wait_ns", g->wait_ns);
	text_put("op", lsp_op_name(g->op));
	name_put("key", g->key);
	name_put("uaddr", g->uaddr);
	number_put("tid", g->tid);
	number_put("pid", g->tgid);
	flag_put(g->rec.flags, LOCKSPAN_SPAN_SHARED, "shared");
	puts("}");
}

static void frame_print(const struct lsp_spanfile_frame *f)
{
	printf("{\"pc\":\"0x%" PRIx64 "\"", f->pc);
	text_put("object", f->object);
	text_put("build_id", f->build_id);
	name_put("offset", f->offset);
	printf(",\"lines\":[");
	for (size_t i = 0; i < f->nlines; i++) {
		printf("%s{\"function\":", i ? "," : "");
		lsp_json_text(stdout, f->lines[i].function);
		text_put("file", f->lines[i].file);
		number_put("line", f->lines[i].line);
		putchar('}');
	}
	printf("]}");
}

static void trace_print(const struct lsp_spanfile_trace *t)
{
	printf("{\"type\":\"trace\",\"number\":%u", t->number);
	text_put("end", t->end);
	text_put("sync", t->sync);
	printf(",\"frames\":[");
	for (size_t i = 0; i < t->nframes; i++) {
		fputs(i ? "," : "", stdout);
		frame_print(&t->frames[i]);
	}
	puts("]}");
}

static void end_print(const struct lsp_spanfile_end *e)
{
	printf("{\"type\":\"end\"");
	number_put("stop_ns", e->stop_ns);
	printf(",\"counters\":{");
	for (size_t i = 0; i < e->ncounters; i++) {
		fputs(i ? "," : "", stdout);
		lsp_json_text(stdout, e->counters[i].name);
		printf(":%" PRIu64, e->counters[i].value);
	}
	puts("}}");
}

static void entry_print(const struct lsp_spanfile_entry *e)
{
	switch (e->kind) {
	case LSP_SPANFILE_HEADER:
		header_print(&e->header);
		break;
	case LSP_SPANFILE_SPAN:
		span_print(&e->span);
		break;
	case LSP_SPANFILE_RELEASE:
		release_print(&e->release);
		break;
	case LSP_SPANFILE_LATE:
		printf("{\"type\":\"late\"");
		name_put("span", e->late.span);
		number_put("time_ns", e->late.time_ns);
		number_put("tid", e->late.tid);
		text_put("old_outcome", lsp_outcome_name(e->late.old_outcome));
		puts("}");
		break;
	case LSP_SPANFILE_GIVEN_UP:
		given_up_print(&e->given_up);
		break;
	case LSP_SPANFILE_STACK:
		printf("{\"type\":\"stack\"");
		name_put("id", e->stack.id);
		number_put("pid", e->stack.tgid);
		number_put("trace", e->stack.trace);
		if (e->stack.generation)
			number_put("generation", e->stack.generation);
		puts("}");
		break;
	case LSP_SPANFILE_TRACE:
		trace_print(&e->trace);
		break;
	case LSP_SPANFILE_LOCK:
		printf("{\"type\":\"lock\"");
		name_put("key", e->lock.key);
		text_put("name", e->lock.name);
		text_put("sync", e->lock.sync);
		if (e->lock.tgid)
			number_put("pid", e->lock.tgid);
		if (e->lock.generation)
			number_put("generation", e->lock.generation);
		puts("}");
		break;
	case LSP_SPANFILE_END:
		end_print(&e->end);
		break;
	}
}

static int file_export(const char *path)
{
	struct lsp_spanfile_reader *reader;
	struct lsp_spanfile_entry entry;
	struct lsp_spanfile_state state;
	int got, err;

	err = lsp_spanfile_open(path, &reader);
	if (err)
		return lsp_span_source_fail(path, err);
	while ((got = lsp_spanfile_next(reader, &entry)) == 1 && !ferror(stdout))
		entry_print(&entry);
	if (got < 0)
		lsp_say("%s: %s", path, lsp_say_errno(-got));
	lsp_spanfile_state(reader, &state);
	lsp_spanfile_reader_close(reader);
	if (!lsp_span_source_whole(&state, path) && !got)
		got = 1;
	if (fflush(stdout) || ferror(stdout)) {
		lsp_say("cannot write the output");
		got = -EIO;
	}
	return got < 0 ? LSP_EXIT_OTHER_FAILED : got ? LSP_EXIT_OTHER_PARTIAL : 0;
}

int lsp_export_events(const char *recording)
{
	char path[PATH_MAX];

	return lsp_span_source_find(recording, path, sizeof(path)) ? file_export(path) : LSP_EXIT_OTHER_FAILED;
}
