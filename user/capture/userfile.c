// SPDX-License-Identifier: GPL-2.0-only
#include "userfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int lsp_userfile_create(const char *path, uint64_t bytes, uint64_t block_rate_ns,
			uint32_t mutex_fraction)
{
	struct lsp_userfile_head head = {
		.magic = LSP_USERFILE_MAGIC, .version = LSP_USERFILE_VERSION,
		.block_rate_ns = block_rate_ns, .mutex_fraction = mutex_fraction,
		.chunks = (uint32_t)(bytes / LSP_USERFILE_CHUNK_BYTES),
	};
	off_t size = LSP_USERFILE_HEAD_BYTES + (off_t)head.chunks * LSP_USERFILE_CHUNK_BYTES;
	int fd, err = 0;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) || pwrite(fd, &head, sizeof(head), 0) != sizeof(head))
		err = errno ? -errno : -EIO;
	close(fd);
	if (err)
		unlink(path);
	return err;
}

/* Records in a run, which take a number each. */
static uint64_t records_count(const void *run, size_t bytes)
{
	size_t at = 0;
	uint64_t n = 0;
	int err = 0;

	while (lsp_rec_any(run, bytes, &at, &err))
		n++;
	return n;
}

/* What could be read of @bytes: the file's holes read as zeros, and are not filled by it. */
static int read_at(int fd, void *to, size_t bytes, off_t offset)
{
	char *p = to;

	while (bytes) {
		ssize_t n = pread(fd, p, bytes, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EBADMSG;
		p += n;
		bytes -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* @chunk has room for a whole one. */
static int chunk_replay(int fd, uint32_t number, struct lsp_userfile_chunk *chunk, uint64_t *seq,
			int (*data)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				    size_t bytes),
			void *arg, struct lsp_userfile_result *ret)
{
	off_t offset = LSP_USERFILE_HEAD_BYTES + (off_t)number * LSP_USERFILE_CHUNK_BYTES;
	int err = read_at(fd, chunk, sizeof(*chunk), offset);

	/* Taken, and its owner ended before it wrote: nothing. */
	if (err || !chunk->magic)
		return err;
	if (chunk->magic != LSP_USERFILE_MAGIC || chunk->used > LSP_USERFILE_CHUNK_BYTES - sizeof(*chunk))
		return -EBADMSG;
	err = read_at(fd, chunk + 1, chunk->used, offset + (off_t)sizeof(*chunk));
	if (err)
		return err;
	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++)
		ret->counters[i] += chunk->counters[i];
	ret->capture_ns += chunk->capture_ns;
	if (!chunk->used)
		return 0;
	err = data(arg, 0, *seq, chunk + 1, chunk->used);
	*seq += records_count(chunk + 1, chunk->used);
	return err == -EBADMSG ? 0 : err;
}

static int file_replay(int fd, off_t bytes, struct lsp_userfile_chunk *chunk,
		       int (*data)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				   size_t bytes),
		       void *arg, struct lsp_userfile_result *ret)
{
	uint64_t room, seq = 0;
	struct lsp_userfile_head head;
	int err = bytes < LSP_USERFILE_HEAD_BYTES ? -EBADMSG : read_at(fd, &head, sizeof(head), 0);

	if (err)
		return err;
	if (head.magic != LSP_USERFILE_MAGIC || head.version != LSP_USERFILE_VERSION)
		return -EBADMSG;
	room = (uint64_t)(bytes - LSP_USERFILE_HEAD_BYTES) / LSP_USERFILE_CHUNK_BYTES;
	ret->skipped = head.skipped;
	ret->processes = head.processes;
	ret->chunks = head.taken < room ? head.taken : (uint32_t)room;
	for (uint32_t i = 0; i < ret->chunks && !err; i++)
		err = chunk_replay(fd, i, chunk, &seq, data, arg, ret);
	return err;
}

int lsp_userfile_replay(const char *path,
			int (*data)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				    size_t bytes),
			void *arg, struct lsp_userfile_result *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct lsp_userfile_chunk *chunk;
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return -errno;
	chunk = malloc(LSP_USERFILE_CHUNK_BYTES);
	err = !chunk ? -ENOMEM : fstat(fd, &st) ? -errno : 0;
	if (!err)
		err = file_replay(fd, st.st_size, chunk, data, arg, ret);
	free(chunk);
	close(fd);
	return err;
}
