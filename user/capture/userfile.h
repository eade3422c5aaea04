/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file through which the userspace recorder hands over its records: a head,
 * then chunks of one size, each written to by one thread at a time: one that
 * ends leaves its chunk to the next.
 * The recorder maps a chunk and writes records of the contract into it, so
 * nothing is lost when the process ends, however it does. In this machine's
 * byte order and for this version alone; nothing to keep.
 */
#ifndef LSP_CAPTURE_USERFILE_H
#define LSP_CAPTURE_USERFILE_H

#include <stdint.h>

#include "span.h"

#define LSP_USERFILE_MAGIC 0x5250534cU
/* With the number of counters, for they are part of every chunk. */
#define LSP_USERFILE_VERSION (2U << 16 | LOCKSPAN_C_COUNT)
#define LSP_USERFILE_HEAD_BYTES 4096
#define LSP_USERFILE_CHUNK_BYTES (256U << 10)

/* Environment of the recorded program. */
#define LSP_USERFILE_ENV "LOCKSPAN_USER_FILE"

struct lsp_userfile_head {
	uint32_t magic;
	uint32_t version;
	uint64_t block_rate_ns;
	uint32_t mutex_fraction;
	uint32_t chunks;	/* room for so many */
	uint32_t taken;		/* atomic; may go beyond it */
	uint32_t processes;	/* atomic; that the recorder has begun in */
	uint64_t skipped;	/* atomic; waits and releases met where nothing could be recorded */
};

struct lsp_userfile_chunk {
	uint32_t magic;
	uint32_t tgid;
	uint32_t number;
	uint32_t used;			/* bytes of whole records behind this; release store */
	uint32_t backed;		/* bytes of the chunk that the disk has room for */
	uint32_t reserved;
	uint64_t capture_ns;		/* spent on recording waits, within them */
	uint64_t counters[LOCKSPAN_C_COUNT];	/* of its writers' events */
};

/* ---- for whoever starts the program ---- */

struct lsp_userfile_result {
	uint64_t counters[LOCKSPAN_C_COUNT];
	uint64_t capture_ns;
	uint64_t skipped;	/* as in the head, and threads that found no chunk */
	uint32_t chunks;	/* taken */
	uint32_t processes;
};

/*
 * Makes @path, mode 0600, with room for about @bytes; it grows only as it is
 * written to. 0 or -errno.
 */
int lsp_userfile_create(const char *path, uint64_t bytes, uint64_t block_rate_ns,
			uint32_t mutex_fraction);

/*
 * Gives every run of records to @data, as one stream. The programs must have
 * ended, or are taken as far as they have come. 0 or -errno; -EBADMSG when it
 * is not such a file.
 */
int lsp_userfile_replay(const char *path,
			int (*data)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				    size_t bytes),
			void *arg, struct lsp_userfile_result *ret);

#endif
