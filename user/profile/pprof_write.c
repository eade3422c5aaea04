// SPDX-License-Identifier: GPL-2.0-only
/* Writes an encoded profile to a file, a descriptor or memory. */
#include "pprof_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int sink_fd(void *arg, const void *data, size_t bytes)
{
	const unsigned char *at = data;
	ssize_t done;

	while (bytes) {
		done = write(*(int *)arg, at, bytes);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -ENOSPC;
		at += done;
		bytes -= (size_t)done;
	}
	return 0;
}

int lsp_profile_write_fd(const struct lsp_profile *p, int fd)
{
	return lsp_profile_encode(p, sink_fd, &fd);
}

/*
 * A device or a pipe is written to directly, because a file that is renamed to its name would
 * replace it.
 */
static int special_write(const struct lsp_profile *p, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = lsp_profile_write_fd(p, fd);
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

int lsp_profile_write(const struct lsp_profile *p, const char *path)
{
	char *temporary;
	struct stat st;
	int fd, ret;

	if (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return special_write(p, path);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		goto out;
	}
	ret = lsp_profile_write_fd(p, fd);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(temporary, path))
		ret = -errno;
	if (ret)
		unlink(temporary);
out:
	free(temporary);
	return ret;
}

struct memory {
	unsigned char *data;
	size_t used;
	size_t capacity;
};

static int sink_memory(void *arg, const void *data, size_t bytes)
{
	struct memory *m = arg;
	unsigned char *grown;

	if (m->capacity - m->used < bytes) {
		m->capacity = m->capacity + m->capacity / 2 + bytes;
		grown = realloc(m->data, m->capacity);
		if (!grown)
			return -ENOMEM;
		m->data = grown;
	}
	memcpy(m->data + m->used, data, bytes);
	m->used += bytes;
	return 0;
}

int lsp_profile_write_mem(const struct lsp_profile *p, void **ret, size_t *bytes_ret)
{
	struct memory m = { 0 };
	int error = lsp_profile_encode(p, sink_memory, &m);

	if (error) {
		free(m.data);
		return error;
	}
	*ret = m.data;
	*bytes_ret = m.used;
	return 0;
}
