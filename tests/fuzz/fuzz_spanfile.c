// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: bytes that make the reader of span files crash, read outside the
 * file, leak, not come to an end, or give out an entry that cannot be looked at
 * or written again. For libFuzzer; tests/fuzz/run builds and starts it.
 * An input that begins as a span file does is one. Any other is the content of
 * one block, which is packed and summed here: the checksums would hide the rest
 * from the fuzzer. corpus/spanfile was written by build/unit/test_spanfile --seeds.
 * sources: user/capture/spanfile_read.c user/capture/spanfile_write.c
 * sources: user/capture/spanfile.pb-c.c user/capture/span.c
 * libs: -lprotobuf-c -lz
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../../user/capture/spanfile.h"
#include "../../user/capture/spanfile_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

static uint8_t *file_around(const uint8_t *data, size_t bytes, size_t *ret)
{
	uLongf packed = compressBound(bytes);
	uint8_t *file = malloc(LSP_SPANFILE_MAGIC_BYTES + LSP_SPANFILE_BLOCK_BYTES + packed);
	uint8_t *block = file + LSP_SPANFILE_MAGIC_BYTES;
	struct lsp_spanfile_block header = {
		.magic = htole32(LSP_SPANFILE_BLOCK_MAGIC), .raw_bytes = htole32((uint32_t)bytes),
		.entries = UINT32_MAX,
	};

	memcpy(file, LSP_SPANFILE_MAGIC, LSP_SPANFILE_MAGIC_BYTES);
	MUST(compress2(block + LSP_SPANFILE_BLOCK_BYTES, &packed, data, bytes, 1) == Z_OK);
	header.packed_bytes = htole32((uint32_t)packed);
	header.packed_crc = htole32((uint32_t)crc32(0, block + LSP_SPANFILE_BLOCK_BYTES, (uInt)packed));
	memcpy(block, &header, sizeof(header));
	header.header_crc = htole32((uint32_t)crc32(0, block, LSP_SPANFILE_BLOCK_BYTES - 4));
	memcpy(block, &header, sizeof(header));
	*ret = LSP_SPANFILE_MAGIC_BYTES + LSP_SPANFILE_BLOCK_BYTES + packed;
	return file;
}

static uint64_t trace_look(const struct lsp_spanfile_trace *t)
{
	uint64_t seen = strlen(t->end) + strlen(t->sync);

	for (size_t i = 0; i < t->nframes; i++) {
		seen += strlen(t->frames[i].object) + strlen(t->frames[i].build_id);
		for (size_t k = 0; k < t->frames[i].nlines; k++)
			seen += strlen(t->frames[i].lines[k].function) +
				strlen(t->frames[i].lines[k].file);
	}
	return seen;
}

static int entry_rewrite(struct lsp_spanfile_writer *w, const struct lsp_spanfile_entry *e)
{
	switch (e->kind) {
	case LSP_SPANFILE_HEADER:
		MUST(e->header.release && e->header.kernel && e->header.command);
		return lsp_spanfile_add_header(w, &e->header);
	case LSP_SPANFILE_SPAN:
		MUST(memchr(e->span.comm, '\0', LOCKSPAN_COMM_LEN));
		return lsp_spanfile_add_span(w, &e->span);
	case LSP_SPANFILE_RELEASE:
		return lsp_spanfile_add_release(w, &e->release);
	case LSP_SPANFILE_LATE:
		return lsp_spanfile_add_late(w, &e->late);
	case LSP_SPANFILE_GIVEN_UP:
		return lsp_spanfile_add_given_up(w, &e->given_up);
	case LSP_SPANFILE_STACK:
		return lsp_spanfile_add_stack(w, &e->stack);
	case LSP_SPANFILE_TRACE:
		trace_look(&e->trace);
		return lsp_spanfile_add_trace(w, &e->trace);
	case LSP_SPANFILE_LOCK:
		MUST(e->lock.name && e->lock.sync);
		return lsp_spanfile_add_lock(w, &e->lock);
	case LSP_SPANFILE_END:
		return lsp_spanfile_add_end(w, &e->end);
	}
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	bool whole = bytes >= LSP_SPANFILE_MAGIC_BYTES &&
		     !memcmp(data, LSP_SPANFILE_MAGIC, LSP_SPANFILE_MAGIC_BYTES);
	struct lsp_spanfile_reader *r;
	struct lsp_spanfile_writer *w;
	struct lsp_spanfile_entry e;
	struct lsp_spanfile_state s;
	size_t size = bytes;
	uint64_t entries = 0;
	uint8_t *file;

	if (whole) {
		file = malloc(bytes);
		memcpy(file, data, bytes);
	} else {
		file = file_around(data, bytes, &size);
	}
	MUST(!lsp_spanfile_open_mem(file, size, &r));
	MUST(!lsp_spanfile_create("/dev/null", &w));
	while (lsp_spanfile_next(r, &e) == 1) {
		MUST(!entry_rewrite(w, &e));
		entries++;
	}
	lsp_spanfile_state(r, &s);
	MUST(s.entries == entries && s.offset <= size);
	MUST(whole || s.blocks == (bytes > 0));
	MUST(!lsp_spanfile_close(w));
	lsp_spanfile_reader_close(r);
	free(file);
	return 0;
}
