// SPDX-License-Identifier: GPL-2.0-only
#include "userfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
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

static int chunk_replay(const struct lsp_userfile_chunk *chunk, uint64_t *seq,
			int (*data)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				    size_t bytes),
			void *arg, struct lsp_userfile_result *ret)
{
	uint32_t used = __atomic_load_n(&chunk->used, __ATOMIC_ACQUIRE);
	int err;

	/* Taken, and its owner ended before it wrote: nothing. */
	if (!__atomic_load_n(&chunk->magic, __ATOMIC_ACQUIRE))
		return 0;
	if (chunk->magic != LSP_USERFILE_MAGIC || used > LSP_USERFILE_CHUNK_BYTES - sizeof(*chunk))
		return -EBADMSG;
	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++)
		ret->counters[i] += chunk->counters[i];
	ret->capture_ns += chunk->capture_ns;
	if (!used)
		return 0;
	err = data(arg, 0, *seq, chunk + 1, used);
	*seq += records_count(chunk + 1, used);
	return err == -EBADMSG ? 0 : err;
}

static int file_replay(const struct lsp_userfile_head *head, uint64_t bytes,
		       int (*data)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				   size_t bytes),
		       void *arg, struct lsp_userfile_result *ret)
{
	uint64_t room = (bytes - LSP_USERFILE_HEAD_BYTES) / LSP_USERFILE_CHUNK_BYTES, seq = 0;

	if (head->magic != LSP_USERFILE_MAGIC || head->version != LSP_USERFILE_VERSION)
		return -EBADMSG;
	ret->skipped = head->skipped;
	ret->processes = head->processes;
	ret->chunks = head->taken < room ? head->taken : (uint32_t)room;
	for (uint32_t i = 0; i < ret->chunks; i++) {
		int err = chunk_replay((const void *)((const char *)head + LSP_USERFILE_HEAD_BYTES +
						      (uint64_t)i * LSP_USERFILE_CHUNK_BYTES),
				       &seq, data, arg, ret);

		if (err)
			return err;
	}
	return 0;
}

int lsp_userfile_replay(const char *path,
			int (*data)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				    size_t bytes),
			void *arg, struct lsp_userfile_result *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct stat st;
	void *at;

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : st.st_size < LSP_USERFILE_HEAD_BYTES ? -EBADMSG : 0;
	if (err) {
		close(fd);
		return err;
	}
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	err = at == MAP_FAILED ? -errno : 0;
	close(fd);
	if (err)
		return err;
	err = file_replay(at, (uint64_t)st.st_size, data, arg, ret);
	munmap(at, (size_t)st.st_size);
	return err;
}
