/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * .lspan files: every single event of a recording, its resolved stacks and the
 * names of its locks. Append-only blocks of zlib-packed protobuf messages, each
 * block with checksums: what was written before a crash can be read after it.
 * docs/spanfile.md has the format. Several sources define this: spanfile_write.c and
 * spanfile_read.c.
 *
 * All functions return 0 or -errno unless they say otherwise.
 */
#ifndef LSP_CAPTURE_SPANFILE_H
#define LSP_CAPTURE_SPANFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rates.h"
#include "span.h"

struct lsp_spanfile_header {
	const char *release;
	uint32_t contract;
	const char *kernel;
	const char *const *command;	/* NULL-terminated; NULL none */
	int64_t wall_ns;
	uint64_t start_ns;
	struct lsp_rates rates;
};

struct lsp_spanfile_line {
	const char *function;
	const char *file;
	uint32_t line;
};

struct lsp_spanfile_frame {
	uint64_t pc;
	const char *object;
	const char *build_id;
	uint64_t offset;		/* of pc in the object's file */
	const struct lsp_spanfile_line *lines;
	size_t nlines;
};

struct lsp_spanfile_trace {
	uint32_t number;
	const char *end;
	const char *sync;
	const struct lsp_spanfile_frame *frames;	/* leaf first */
	size_t nframes;
};

/* Events of @tgid refer to a stack as @id. It resolves to this trace. */
struct lsp_spanfile_stack {
	uint64_t id;
	uint32_t tgid;
	uint32_t trace;
	uint32_t generation;	/* of the mappings that it was captured with, 0 unknown */
};

/*
 * A name of a lock. A key can have several names. An event has the name with its own process and
 * with the generation of its stack. If there is none, it has the first name of its key.
 */
struct lsp_spanfile_lock {
	uint64_t key;
	const char *name;
	const char *sync;
	uint32_t tgid;
	uint32_t generation;
};

struct lsp_spanfile_counter {
	const char *name;
	uint64_t value;
};

struct lsp_spanfile_end {
	uint64_t stop_ns;
	const struct lsp_spanfile_counter *counters;
	size_t ncounters;
};

/* ---- writing ---- */

struct lsp_spanfile_writer;

/* Creates or empties the file @path, with mode 0600. */
int lsp_spanfile_create(const char *path, struct lsp_spanfile_writer **ret);

/*
 * Each function adds one entry. After the first error, all of them return that error. Nothing is on
 * the disk before a block is full or flushed.
 */
int lsp_spanfile_add_header(struct lsp_spanfile_writer *w, const struct lsp_spanfile_header *h);
int lsp_spanfile_add_span(struct lsp_spanfile_writer *w, const struct lockspan_span *s);
int lsp_spanfile_add_release(struct lsp_spanfile_writer *w, const struct lockspan_release *r);
int lsp_spanfile_add_late(struct lsp_spanfile_writer *w, const struct lockspan_late *l);
int lsp_spanfile_add_given_up(struct lsp_spanfile_writer *w, const struct lockspan_given_up *g);
int lsp_spanfile_add_stack(struct lsp_spanfile_writer *w, const struct lsp_spanfile_stack *s);
int lsp_spanfile_add_trace(struct lsp_spanfile_writer *w, const struct lsp_spanfile_trace *t);
int lsp_spanfile_add_lock(struct lsp_spanfile_writer *w, const struct lsp_spanfile_lock *l);
int lsp_spanfile_add_end(struct lsp_spanfile_writer *w, const struct lsp_spanfile_end *e);

/* Writes the block that has been begun, full or not. */
int lsp_spanfile_flush(struct lsp_spanfile_writer *w);

/* Flushes, closes and frees; NULL is allowed. Returns the first error of all calls. */
int lsp_spanfile_close(struct lsp_spanfile_writer *w);

/* ---- reading ---- */

enum lsp_spanfile_kind {
	LSP_SPANFILE_HEADER, LSP_SPANFILE_SPAN, LSP_SPANFILE_RELEASE, LSP_SPANFILE_LATE,
	LSP_SPANFILE_GIVEN_UP, LSP_SPANFILE_STACK, LSP_SPANFILE_TRACE, LSP_SPANFILE_LOCK, LSP_SPANFILE_END,
};

struct lsp_spanfile_entry {
	enum lsp_spanfile_kind kind;
	union {
		struct lsp_spanfile_header header;
		struct lockspan_span span;
		struct lockspan_release release;
		struct lockspan_late late;
		struct lockspan_given_up given_up;
		struct lsp_spanfile_stack stack;
		struct lsp_spanfile_trace trace;
		struct lsp_spanfile_lock lock;
		struct lsp_spanfile_end end;
	};
};

struct lsp_spanfile_reader;

/* Returns -EBADMSG if the file is no span file. */
int lsp_spanfile_open(const char *path, struct lsp_spanfile_reader **ret);
/* Like open, but reads from memory, which must stay until close. */
int lsp_spanfile_open_mem(const void *data, size_t bytes, struct lsp_spanfile_reader **ret);
void lsp_spanfile_reader_close(struct lsp_spanfile_reader *r);

/*
 * Reads the next entry. Returns 1, 0 after the last entry that can be read, -ENOMEM or -EIO. Damage
 * is no error; lsp_spanfile_state() reports it. Pointers are valid until the next call.
 */
int lsp_spanfile_next(struct lsp_spanfile_reader *r, struct lsp_spanfile_entry *ret);

struct lsp_spanfile_state {
	uint64_t blocks;	/* read whole */
	uint64_t entries;
	uint64_t damaged;	/* blocks passed over: the checksum or what it covers is wrong */
	bool truncated;		/* the file ends within a block, or no block can be found further on */
	bool ended;		/* an End entry was read: the recording ended in order */
	uint64_t offset;	/* offset in the file up to which it was read */
};

/* Final after next has returned 0. */
void lsp_spanfile_state(const struct lsp_spanfile_reader *r, struct lsp_spanfile_state *ret);

#endif
