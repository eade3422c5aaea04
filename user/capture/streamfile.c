// SPDX-License-Identifier: GPL-2.0-only
#include "streamfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_MAGIC 0x4d525453U
/* A chunk with this CPU number holds the report of END. */
#define CHUNK_END 0xfffffffeU
#define RUN_MAX (16 << 20)

struct chunk {
	uint32_t magic;
	uint32_t version;
	uint32_t cpu;
	uint32_t bytes;
	uint64_t seq;
};

static int chunk_write(FILE *f, uint32_t cpu, uint64_t seq, const void *data, size_t bytes)
{
	struct chunk c = {
		.magic = CHUNK_MAGIC, .version = LOCKSPAN_VERSION, .cpu = cpu,
		.bytes = (uint32_t)bytes, .seq = seq,
	};

	errno = EIO;
	if (fwrite(&c, sizeof(c), 1, f) != 1 || fwrite(data, 1, bytes, f) != bytes)
		return -errno;
	return 0;
}

int lsp_streamfile_create(const char *path, FILE **ret)
{
	/*
	 * The file has parts of stacks, so only its owner may read it. In a folder where others may
	 * write, a link could lead anywhere, so links are not followed.
	 */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	*ret = fd < 0 ? NULL : fdopen(fd, "w");
	if (*ret)
		return 0;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

int lsp_streamfile_add_data(FILE *f, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	return chunk_write(f, cpu, seq, run, bytes);
}

int lsp_streamfile_add_end(FILE *f, const struct lsp_client_report *end)
{
	return chunk_write(f, CHUNK_END, 0, end, sizeof(*end));
}

/* 1, 0 at the end of the file. */
static int chunk_read(FILE *f, struct chunk *c, void **buffer)
{
	size_t n = fread(c, 1, sizeof(*c), f);
	void *grown;

	if (!n && feof(f))
		return 0;
	if (n != sizeof(*c) || c->magic != CHUNK_MAGIC || c->version != LOCKSPAN_VERSION ||
	    c->bytes > RUN_MAX)
		return -EBADMSG;
	grown = realloc(*buffer, c->bytes + 1);
	if (!grown)
		return -ENOMEM;
	*buffer = grown;
	return fread(*buffer, 1, c->bytes, f) == c->bytes ? 1 : -EBADMSG;
}

int lsp_streamfile_replay(const char *path, lsp_client_data_fn data, void *arg,
			  struct lsp_client_report *end)
{
	FILE *f = fopen(path, "re");
	int got, err = -ENODATA;
	void *buffer = NULL;
	struct chunk c;

	if (!f)
		return -errno;
	while ((got = chunk_read(f, &c, &buffer)) == 1) {
		if (c.cpu != CHUNK_END) {
			err = data(arg, c.cpu, c.seq, buffer, c.bytes);
			if (err && err != -EBADMSG)
				break;
			err = -ENODATA;
			continue;
		}
		if (c.bytes != sizeof(*end)) {
			err = -EBADMSG;
			break;
		}
		memcpy(end, buffer, sizeof(*end));
		err = 0;
		break;
	}
	free(buffer);
	fclose(f);
	return got < 0 ? got : err;
}
