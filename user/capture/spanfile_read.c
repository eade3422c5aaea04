// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what it can: a block whose checksum is wrong is passed over by its
 * length, one whose header is wrong ends the file, and both are told.
 */
#include "spanfile.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "spanfile.pb-c.h"
#include "spanfile_block.h"

struct lsp_spanfile_reader {
	const uint8_t *data;
	size_t bytes;
	bool mapped;
	uint8_t *raw;			/* the block being read */
	size_t raw_bytes;
	size_t raw_at;
	uint32_t raw_entries;		/* still to come from it */
	Lsp__Spanfile__Entry *message;	/* behind the last entry returned */
	void *parts;			/* arrays of that entry */
	struct lsp_spanfile_state state;
};

int lsp_spanfile_open_mem(const void *data, size_t bytes, struct lsp_spanfile_reader **ret)
{
	struct lsp_spanfile_reader *r;

	if (bytes < LSP_SPANFILE_MAGIC_BYTES ||
	    memcmp(data, LSP_SPANFILE_MAGIC, LSP_SPANFILE_MAGIC_BYTES))
		return -EBADMSG;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->data = data;
	r->bytes = bytes;
	r->state.offset = LSP_SPANFILE_MAGIC_BYTES;
	*ret = r;
	return 0;
}

int lsp_spanfile_open(const char *path, struct lsp_spanfile_reader **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	void *data = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || !st.st_size)
		err = -EBADMSG;
	if (!err)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (!err && data == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err)
		return err;
	err = lsp_spanfile_open_mem(data, (size_t)st.st_size, ret);
	if (err)
		munmap(data, (size_t)st.st_size);
	else
		(*ret)->mapped = true;
	return err;
}

static void entry_free(struct lsp_spanfile_reader *r)
{
	if (r->message)
		lsp__spanfile__entry__free_unpacked(r->message, NULL);
	r->message = NULL;
	free(r->parts);
	r->parts = NULL;
}

void lsp_spanfile_reader_close(struct lsp_spanfile_reader *r)
{
	if (!r)
		return;
	entry_free(r);
	free(r->raw);
	if (r->mapped)
		munmap((void *)r->data, r->bytes);
	free(r);
}

void lsp_spanfile_state(const struct lsp_spanfile_reader *r, struct lsp_spanfile_state *ret)
{
	*ret = r->state;
}

/* ---- blocks ---- */

static bool block_header_read(struct lsp_spanfile_reader *r, struct lsp_spanfile_block *ret)
{
	const uint8_t *at = r->data + r->state.offset;

	if (r->bytes - r->state.offset < LSP_SPANFILE_BLOCK_BYTES)
		return false;
	memcpy(ret, at, LSP_SPANFILE_BLOCK_BYTES);
	if (le32toh(ret->header_crc) != crc32(0, at, LSP_SPANFILE_BLOCK_BYTES - 4))
		return false;
	ret->magic = le32toh(ret->magic);
	ret->raw_bytes = le32toh(ret->raw_bytes);
	ret->packed_bytes = le32toh(ret->packed_bytes);
	ret->entries = le32toh(ret->entries);
	ret->packed_crc = le32toh(ret->packed_crc);
	return ret->magic == LSP_SPANFILE_BLOCK_MAGIC &&
	       ret->raw_bytes && ret->raw_bytes <= LSP_SPANFILE_RAW_MAX &&
	       ret->packed_bytes <= r->bytes - r->state.offset - LSP_SPANFILE_BLOCK_BYTES;
}

/* Unpacks the next good block. 1, 0 at the end of what can be read, or -ENOMEM. */
static int block_read(struct lsp_spanfile_reader *r)
{
	struct lsp_spanfile_block block;
	const uint8_t *packed;
	uLongf bytes;
	uint8_t *raw;

	while (r->state.offset < r->bytes) {
		if (!block_header_read(r, &block)) {
			r->state.truncated = true;
			return 0;
		}
		packed = r->data + r->state.offset + LSP_SPANFILE_BLOCK_BYTES;
		raw = realloc(r->raw, block.raw_bytes);
		if (!raw)
			return -ENOMEM;
		r->raw = raw;
		bytes = block.raw_bytes;
		r->state.offset += LSP_SPANFILE_BLOCK_BYTES + block.packed_bytes;
		if (crc32(0, packed, block.packed_bytes) != block.packed_crc ||
		    uncompress(raw, &bytes, packed, block.packed_bytes) != Z_OK ||
		    bytes != block.raw_bytes) {
			r->state.damaged++;
			continue;
		}
		r->raw_bytes = bytes;
		r->raw_at = 0;
		r->raw_entries = block.entries;
		r->state.blocks++;
		return 1;
	}
	return 0;
}

/* Length of the next message of the block. */
static bool varint_get(struct lsp_spanfile_reader *r, size_t *ret)
{
	size_t n = 0;

	for (unsigned int shift = 0; shift < 35 && r->raw_at < r->raw_bytes; shift += 7) {
		uint8_t byte = r->raw[r->raw_at++];

		n |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = n;
			return n <= r->raw_bytes - r->raw_at;
		}
	}
	return false;
}

/* ---- messages to entries ---- */

static void comm_copy(char *to, const ProtobufCBinaryData *from)
{
	memset(to, 0, LOCKSPAN_COMM_LEN);
	if (from->len)
		memcpy(to, from->data, from->len < LOCKSPAN_COMM_LEN ? from->len :
		       LOCKSPAN_COMM_LEN - 1);
}

static void span_take(struct lockspan_span *to, const Lsp__Spanfile__Span *m)
{
	memset(to, 0, sizeof(*to));
	to->rec.bytes = sizeof(*to);
	to->rec.type = LOCKSPAN_REC_SPAN;
	to->rec.flags = (uint16_t)m->flags;
	to->id = m->id;
	to->enq_ns = m->enq_ns;
	to->wake_ns = m->wake_ns;
	to->run_ns = m->run_ns;
	to->key = m->key;
	to->end_key = m->end_key ? m->end_key : m->key;
	to->uaddr = m->uaddr;
	to->stack = m->stack;
	to->rate_ns = m->rate_ns;
	to->tail_ns = m->tail_ns;
	to->handoff_ns = m->handoff_ns;
	to->tid = m->tid;
	to->tgid = m->tgid;
	to->waker_tid = m->waker_tid;
	to->waker_tgid = m->waker_tgid;
	to->op_word = m->op_word;
	to->depth = (uint16_t)m->depth;
	to->op = (uint8_t)m->op;
	to->outcome = (uint8_t)m->outcome;
	comm_copy(to->comm, &m->comm);
}

static void release_take(struct lockspan_release *to, const Lsp__Spanfile__Release *m)
{
	memset(to, 0, sizeof(*to));
	to->rec.bytes = sizeof(*to);
	to->rec.type = LOCKSPAN_REC_RELEASE;
	to->rec.flags = (uint16_t)m->flags;
	to->span = m->span;
	to->time_ns = m->time_ns;
	to->hold_ns = m->hold_ns;
	to->handoff_ns = m->handoff_ns;
	to->key = m->key;
	to->uaddr = m->uaddr;
	to->stack = m->stack;
	to->fraction = m->fraction;
	to->tid = m->tid;
	to->tgid = m->tgid;
	to->waiter_tid = m->waiter_tid;
	to->waiter_tgid = m->waiter_tgid;
	to->waiters = (uint16_t)m->waiters;
	to->op = (uint8_t)m->op;
	comm_copy(to->comm, &m->comm);
	to->carried_ns = m->carried_ns;
}

static void given_up_take(struct lockspan_given_up *to, const Lsp__Spanfile__GivenUp *m)
{
	memset(to, 0, sizeof(*to));
	to->rec.bytes = sizeof(*to);
	to->rec.type = LOCKSPAN_REC_GIVEN_UP;
	to->rec.flags = (uint16_t)m->flags;
	to->time_ns = m->time_ns;
	to->key = m->key;
	to->uaddr = m->uaddr;
	to->wait_ns = m->wait_ns;
	to->waits = m->waits;
	to->tid = m->tid;
	to->tgid = m->tgid;
	to->op = (uint8_t)m->op;
}

static void late_take(struct lockspan_late *to, const Lsp__Spanfile__Late *m)
{
	memset(to, 0, sizeof(*to));
	to->rec.bytes = sizeof(*to);
	to->rec.type = LOCKSPAN_REC_LATE;
	to->span = m->span;
	to->time_ns = m->time_ns;
	to->tid = m->tid;
	to->old_outcome = m->old_outcome;
}

static int header_take(struct lsp_spanfile_reader *r, struct lsp_spanfile_header *to,
		       const Lsp__Spanfile__Header *m)
{
	const char **command = calloc(m->n_command + 1, sizeof(*command));

	if (!command)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_command; i++)
		command[i] = m->command[i];
	r->parts = command;
	to->release = m->release;
	to->contract = m->contract;
	to->kernel = m->kernel;
	to->command = command;
	to->wall_ns = m->wall_ns;
	to->start_ns = m->start_ns;
	to->rates.block_rate_ns = m->block_rate_ns;
	to->rates.mutex_fraction = m->mutex_fraction;
	to->rates.min_delay_ns = m->min_delay_ns;
	return 0;
}

static int trace_take(struct lsp_spanfile_reader *r, struct lsp_spanfile_trace *to,
		      const Lsp__Spanfile__Trace *m)
{
	struct lsp_spanfile_frame *frames;
	struct lsp_spanfile_line *lines;
	size_t nlines = 0;

	for (size_t i = 0; i < m->n_frames; i++)
		nlines += m->frames[i]->n_lines;
	frames = malloc(m->n_frames * sizeof(*frames) + nlines * sizeof(*lines) + 1);
	if (!frames)
		return -ENOMEM;
	r->parts = frames;
	lines = (void *)(frames + m->n_frames);

	to->number = m->number;
	to->end = m->end;
	to->sync = m->sync;
	to->frames = frames;
	to->nframes = m->n_frames;
	for (size_t i = 0; i < m->n_frames; i++) {
		const Lsp__Spanfile__Frame *from = m->frames[i];

		frames[i] = (struct lsp_spanfile_frame){
			.pc = from->pc, .object = from->object, .build_id = from->build_id,
			.offset = from->offset, .lines = lines, .nlines = from->n_lines,
		};
		for (size_t k = 0; k < from->n_lines; k++)
			*lines++ = (struct lsp_spanfile_line){
				.function = from->lines[k]->function,
				.file = from->lines[k]->file, .line = from->lines[k]->line,
			};
	}
	return 0;
}

static int end_take(struct lsp_spanfile_reader *r, struct lsp_spanfile_end *to,
		    const Lsp__Spanfile__End *m)
{
	struct lsp_spanfile_counter *counters = calloc(m->n_counters + 1, sizeof(*counters));

	if (!counters)
		return -ENOMEM;
	r->parts = counters;
	for (size_t i = 0; i < m->n_counters; i++) {
		counters[i].name = m->counters[i]->name;
		counters[i].value = m->counters[i]->value;
	}
	to->stop_ns = m->stop_ns;
	to->counters = counters;
	to->ncounters = m->n_counters;
	r->state.ended = true;
	return 0;
}

/* Returns 1, 0 for an entry of an unknown kind, or -ENOMEM. */
static int entry_take(struct lsp_spanfile_reader *r, struct lsp_spanfile_entry *to)
{
	const Lsp__Spanfile__Entry *m = r->message;
	int err = 0;

	switch (m->what_case) {
	case LSP__SPANFILE__ENTRY__WHAT_HEADER:
		to->kind = LSP_SPANFILE_HEADER;
		err = header_take(r, &to->header, m->header);
		break;
	case LSP__SPANFILE__ENTRY__WHAT_SPAN:
		to->kind = LSP_SPANFILE_SPAN;
		span_take(&to->span, m->span);
		break;
	case LSP__SPANFILE__ENTRY__WHAT_RELEASE:
		to->kind = LSP_SPANFILE_RELEASE;
		release_take(&to->release, m->release);
		break;
	case LSP__SPANFILE__ENTRY__WHAT_LATE:
		to->kind = LSP_SPANFILE_LATE;
		late_take(&to->late, m->late);
		break;
	case LSP__SPANFILE__ENTRY__WHAT_GIVEN_UP:
		to->kind = LSP_SPANFILE_GIVEN_UP;
		given_up_take(&to->given_up, m->given_up);
		break;
	case LSP__SPANFILE__ENTRY__WHAT_STACK:
		to->kind = LSP_SPANFILE_STACK;
		to->stack = (struct lsp_spanfile_stack){
			.id = m->stack->id, .tgid = m->stack->tgid, .trace = m->stack->trace,
			.generation = m->stack->generation,
		};
		break;
	case LSP__SPANFILE__ENTRY__WHAT_TRACE:
		to->kind = LSP_SPANFILE_TRACE;
		err = trace_take(r, &to->trace, m->trace);
		break;
	case LSP__SPANFILE__ENTRY__WHAT_LOCK:
		to->kind = LSP_SPANFILE_LOCK;
		to->lock = (struct lsp_spanfile_lock){
			.key = m->lock->key, .name = m->lock->name, .sync = m->lock->sync,
			.tgid = m->lock->tgid, .generation = m->lock->generation,
		};
		break;
	case LSP__SPANFILE__ENTRY__WHAT_END:
		to->kind = LSP_SPANFILE_END;
		err = end_take(r, &to->end, m->end);
		break;
	default:
		return 0;
	}
	return err ? err : 1;
}

int lsp_spanfile_next(struct lsp_spanfile_reader *r, struct lsp_spanfile_entry *ret)
{
	size_t bytes;
	int got;

	for (;;) {
		entry_free(r);
		if (r->raw_at >= r->raw_bytes) {
			got = block_read(r);
			if (got <= 0)
				return got;
		}
		/*
		 * The block's checksum was right, so this message was already wrong when it was
		 * written. The rest of the block is dropped.
		 */
		if (!r->raw_entries || !varint_get(r, &bytes)) {
			r->state.damaged++;
			r->raw_at = r->raw_bytes;
			continue;
		}
		r->raw_entries--;
		r->message = lsp__spanfile__entry__unpack(NULL, bytes, r->raw + r->raw_at);
		r->raw_at += bytes;
		if (!r->message) {
			r->state.damaged++;
			r->raw_at = r->raw_bytes;
			continue;
		}
		got = entry_take(r, ret);
		if (got < 0)
			return got;
		if (got) {
			r->state.entries++;
			return 1;
		}
	}
}
