// SPDX-License-Identifier: GPL-2.0-only
#include "spanfile.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "spanfile.pb-c.h"
#include "spanfile_block.h"

struct lsp_spanfile_writer {
	int fd;
	int error;		/* first one; sticks */
	uint8_t *raw;		/* the block being filled */
	size_t raw_room;
	size_t raw_bytes;
	uint32_t entries;
	uint8_t *packed;
	size_t packed_room;
};

static int write_whole(int fd, const void *data, size_t bytes)
{
	const char *p = data;

	while (bytes) {
		ssize_t n = write(fd, p, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int lsp_spanfile_create(const char *path, struct lsp_spanfile_writer **ret)
{
	struct lsp_spanfile_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0) {
		err = -errno;
		goto err_writer;
	}
	err = write_whole(w->fd, LSP_SPANFILE_MAGIC, LSP_SPANFILE_MAGIC_BYTES);
	if (err)
		goto err_fd;
	*ret = w;
	return 0;

err_fd:
	close(w->fd);
err_writer:
	free(w);
	return err;
}

static int room_make(uint8_t **buffer, size_t *room, size_t need)
{
	uint8_t *p;

	if (need <= *room)
		return 0;
	p = realloc(*buffer, need + need / 4);
	if (!p)
		return -ENOMEM;
	*buffer = p;
	*room = need + need / 4;
	return 0;
}

static int block_write(struct lsp_spanfile_writer *w)
{
	uLongf packed = compressBound(w->raw_bytes);
	struct lsp_spanfile_block *block;
	int err;

	err = room_make(&w->packed, &w->packed_room, LSP_SPANFILE_BLOCK_BYTES + packed);
	if (err)
		return err;
	if (compress2(w->packed + LSP_SPANFILE_BLOCK_BYTES, &packed, w->raw, w->raw_bytes,
		      Z_BEST_SPEED) != Z_OK)
		return -ENOMEM;

	block = (struct lsp_spanfile_block *)w->packed;
	block->magic = htole32(LSP_SPANFILE_BLOCK_MAGIC);
	block->raw_bytes = htole32((uint32_t)w->raw_bytes);
	block->packed_bytes = htole32((uint32_t)packed);
	block->entries = htole32(w->entries);
	block->packed_crc = htole32((uint32_t)crc32(0, w->packed + LSP_SPANFILE_BLOCK_BYTES,
						    (uInt)packed));
	block->header_crc = htole32((uint32_t)crc32(0, w->packed, LSP_SPANFILE_BLOCK_BYTES - 4));
	/* Each block is one write, so a crash cuts off at most one block. */
	return write_whole(w->fd, w->packed, LSP_SPANFILE_BLOCK_BYTES + packed);
}

int lsp_spanfile_flush(struct lsp_spanfile_writer *w)
{
	if (!w->error && w->raw_bytes)
		w->error = block_write(w);
	w->raw_bytes = 0;
	w->entries = 0;
	return w->error;
}

int lsp_spanfile_close(struct lsp_spanfile_writer *w)
{
	int err;

	if (!w)
		return 0;
	err = lsp_spanfile_flush(w);
	if (close(w->fd) && !err)
		err = -errno;
	free(w->packed);
	free(w->raw);
	free(w);
	return err;
}

static size_t varint_put(uint8_t *to, size_t n)
{
	size_t bytes = 0;

	for (; n >= 0x80; n >>= 7)
		to[bytes++] = (uint8_t)(n | 0x80);
	to[bytes++] = (uint8_t)n;
	return bytes;
}

static int entry_add(struct lsp_spanfile_writer *w, Lsp__Spanfile__Entry__WhatCase what,
		     void *message)
{
	Lsp__Spanfile__Entry entry = LSP__SPANFILE__ENTRY__INIT;
	size_t bytes;

	entry.what_case = what;
	entry.span = message;
	bytes = lsp__spanfile__entry__get_packed_size(&entry);
	if (bytes > LSP_SPANFILE_RAW_MAX / 2)
		return -E2BIG;
	if (!w->error)
		w->error = room_make(&w->raw, &w->raw_room, w->raw_bytes + bytes + 10);
	if (w->error)
		return w->error;
	w->raw_bytes += varint_put(w->raw + w->raw_bytes, bytes);
	w->raw_bytes += lsp__spanfile__entry__pack(&entry, w->raw + w->raw_bytes);
	w->entries++;
	return w->raw_bytes >= LSP_SPANFILE_BLOCK_FULL ? lsp_spanfile_flush(w) : 0;
}

/* protobuf-c only reads these, but declares them without const. */
static char *text(const char *s)
{
	return (char *)(s ? s : "");
}

int lsp_spanfile_add_header(struct lsp_spanfile_writer *w, const struct lsp_spanfile_header *h)
{
	Lsp__Spanfile__Header m = LSP__SPANFILE__HEADER__INIT;

	m.release = text(h->release);
	m.contract = h->contract;
	m.kernel = text(h->kernel);
	m.command = (char **)h->command;
	while (h->command && h->command[m.n_command])
		m.n_command++;
	m.wall_ns = h->wall_ns;
	m.start_ns = h->start_ns;
	m.block_rate_ns = h->rates.block_rate_ns;
	m.mutex_fraction = h->rates.mutex_fraction;
	m.min_delay_ns = h->rates.min_delay_ns;
	return entry_add(w, LSP__SPANFILE__ENTRY__WHAT_HEADER, &m);
}

static ProtobufCBinaryData comm_data(const char *comm)
{
	return (ProtobufCBinaryData){
		.len = strnlen(comm, LOCKSPAN_COMM_LEN), .data = (uint8_t *)comm,
	};
}

int lsp_spanfile_add_span(struct lsp_spanfile_writer *w, const struct lockspan_span *s)
{
	Lsp__Spanfile__Span m = LSP__SPANFILE__SPAN__INIT;

	m.id = s->id;
	m.enq_ns = s->enq_ns;
	m.wake_ns = s->wake_ns;
	m.run_ns = s->run_ns;
	m.key = s->key;
	m.end_key = s->end_key == s->key ? 0 : s->end_key;
	m.uaddr = s->uaddr;
	m.stack = s->stack;
	m.rate_ns = s->rate_ns;
	m.tail_ns = s->tail_ns;
	m.handoff_ns = s->handoff_ns;
	m.tid = s->tid;
	m.tgid = s->tgid;
	m.waker_tid = s->waker_tid;
	m.waker_tgid = s->waker_tgid;
	m.op_word = s->op_word;
	m.depth = s->depth;
	m.op = s->op;
	m.outcome = s->outcome;
	m.flags = s->rec.flags;
	m.comm = comm_data(s->comm);
	return entry_add(w, LSP__SPANFILE__ENTRY__WHAT_SPAN, &m);
}

int lsp_spanfile_add_release(struct lsp_spanfile_writer *w, const struct lockspan_release *r)
{
	Lsp__Spanfile__Release m = LSP__SPANFILE__RELEASE__INIT;

	m.span = r->span;
	m.time_ns = r->time_ns;
	m.hold_ns = r->hold_ns;
	m.handoff_ns = r->handoff_ns;
	m.key = r->key;
	m.uaddr = r->uaddr;
	m.stack = r->stack;
	m.fraction = r->fraction;
	m.tid = r->tid;
	m.tgid = r->tgid;
	m.waiter_tid = r->waiter_tid;
	m.waiter_tgid = r->waiter_tgid;
	m.waiters = r->waiters;
	m.op = r->op;
	m.flags = r->rec.flags;
	m.comm = comm_data(r->comm);
	m.carried_ns = r->carried_ns;
	return entry_add(w, LSP__SPANFILE__ENTRY__WHAT_RELEASE, &m);
}

int lsp_spanfile_add_late(struct lsp_spanfile_writer *w, const struct lockspan_late *l)
{
	Lsp__Spanfile__Late m = LSP__SPANFILE__LATE__INIT;

	m.span = l->span;
	m.time_ns = l->time_ns;
	m.tid = l->tid;
	m.old_outcome = l->old_outcome;
	return entry_add(w, LSP__SPANFILE__ENTRY__WHAT_LATE, &m);
}

int lsp_spanfile_add_given_up(struct lsp_spanfile_writer *w, const struct lockspan_given_up *g)
{
	Lsp__Spanfile__GivenUp m = LSP__SPANFILE__GIVEN_UP__INIT;

	m.time_ns = g->time_ns;
	m.key = g->key;
	m.uaddr = g->uaddr;
	m.wait_ns = g->wait_ns;
	m.waits = g->waits;
	m.tid = g->tid;
	m.tgid = g->tgid;
	m.op = g->op;
	m.flags = g->rec.flags;
	return entry_add(w, LSP__SPANFILE__ENTRY__WHAT_GIVEN_UP, &m);
}

int lsp_spanfile_add_stack(struct lsp_spanfile_writer *w, const struct lsp_spanfile_stack *s)
{
	Lsp__Spanfile__Stack m = LSP__SPANFILE__STACK__INIT;

	m.id = s->id;
	m.tgid = s->tgid;
	m.trace = s->trace;
	m.generation = s->generation;
	return entry_add(w, LSP__SPANFILE__ENTRY__WHAT_STACK, &m);
}

int lsp_spanfile_add_lock(struct lsp_spanfile_writer *w, const struct lsp_spanfile_lock *l)
{
	Lsp__Spanfile__Lock m = LSP__SPANFILE__LOCK__INIT;

	m.key = l->key;
	m.name = text(l->name);
	m.sync = text(l->sync);
	m.tgid = l->tgid;
	m.generation = l->generation;
	return entry_add(w, LSP__SPANFILE__ENTRY__WHAT_LOCK, &m);
}

/*
 * Makes a trace into one message. The frames, the lines and the pointers to them are in one piece
 * of memory.
 */
struct trace_message {
	Lsp__Spanfile__Frame *frames;
	Lsp__Spanfile__Frame **frame_pointers;
	Lsp__Spanfile__Line *lines;
	Lsp__Spanfile__Line **line_pointers;
};

static void *trace_message_alloc(struct trace_message *m, const struct lsp_spanfile_trace *t)
{
	size_t nlines = 0;
	char *memory;

	for (size_t i = 0; i < t->nframes; i++)
		nlines += t->frames[i].nlines;
	memory = malloc(t->nframes * (sizeof(*m->frames) + sizeof(void *)) +
			nlines * (sizeof(*m->lines) + sizeof(void *)) + 1);
	if (!memory)
		return NULL;
	m->frames = (void *)memory;
	m->lines = (void *)(m->frames + t->nframes);
	m->frame_pointers = (void *)(m->lines + nlines);
	m->line_pointers = (void *)(m->frame_pointers + t->nframes);
	return memory;
}

int lsp_spanfile_add_trace(struct lsp_spanfile_writer *w, const struct lsp_spanfile_trace *t)
{
	Lsp__Spanfile__Trace m = LSP__SPANFILE__TRACE__INIT;
	struct trace_message parts;
	void *memory = trace_message_alloc(&parts, t);
	size_t at = 0;
	int err;

	if (!memory)
		return -ENOMEM;
	for (size_t i = 0; i < t->nframes; i++) {
		const struct lsp_spanfile_frame *from = &t->frames[i];
		Lsp__Spanfile__Frame *to = &parts.frames[i];

		lsp__spanfile__frame__init(to);
		to->pc = from->pc;
		to->object = text(from->object);
		to->build_id = text(from->build_id);
		to->offset = from->offset;
		to->n_lines = from->nlines;
		to->lines = &parts.line_pointers[at];
		for (size_t k = 0; k < from->nlines; k++, at++) {
			lsp__spanfile__line__init(&parts.lines[at]);
			parts.lines[at].function = text(from->lines[k].function);
			parts.lines[at].file = text(from->lines[k].file);
			parts.lines[at].line = from->lines[k].line;
			parts.line_pointers[at] = &parts.lines[at];
		}
		parts.frame_pointers[i] = to;
	}
	m.number = t->number;
	m.end = text(t->end);
	m.sync = text(t->sync);
	m.n_frames = t->nframes;
	m.frames = parts.frame_pointers;
	err = entry_add(w, LSP__SPANFILE__ENTRY__WHAT_TRACE, &m);
	free(memory);
	return err;
}

int lsp_spanfile_add_end(struct lsp_spanfile_writer *w, const struct lsp_spanfile_end *e)
{
	Lsp__Spanfile__End m = LSP__SPANFILE__END__INIT;
	Lsp__Spanfile__Counter *counters = calloc(e->ncounters + 1, sizeof(*counters));
	Lsp__Spanfile__Counter **pointers = calloc(e->ncounters + 1, sizeof(*pointers));
	int err = -ENOMEM;

	if (counters && pointers) {
		for (size_t i = 0; i < e->ncounters; i++) {
			lsp__spanfile__counter__init(&counters[i]);
			counters[i].name = text(e->counters[i].name);
			counters[i].value = e->counters[i].value;
			pointers[i] = &counters[i];
		}
		m.stop_ns = e->stop_ns;
		m.n_counters = e->ncounters;
		m.counters = pointers;
		err = entry_add(w, LSP__SPANFILE__ENTRY__WHAT_END, &m);
	}
	free(pointers);
	free(counters);
	return err;
}
