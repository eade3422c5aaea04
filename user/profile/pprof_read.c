// SPDX-License-Identifier: GPL-2.0-only
/* Reads a profile from a file or from memory, gzipped or not, or says why it cannot. */
#include "pprof_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ_BYTES (64 * 1024)
#define TEXT_BYTES 512			/* how many bytes are enough to tell text from protobuf */

static int __attribute__((format(printf, 4, 5))) fail(int error, char *why, size_t why_bytes,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, why_bytes, format, args);
	va_end(args);
	return error;
}

/* Protobuf has control characters among its first bytes; text has none. */
static bool is_text(const unsigned char *data, size_t bytes)
{
	size_t i;

	if (bytes > TEXT_BYTES)
		bytes = TEXT_BYTES;
	for (i = 0; i < bytes; i++)
		if (!data[i] || (data[i] < ' ' && !strchr("\t\n\r\f\033", data[i])))
			return false;
	return true;
}

static int plain_read(const void *data, size_t bytes, struct lsp_profile **ret, char *why,
		      size_t why_bytes)
{
	int error;

	if (!bytes)
		return fail(-EBADMSG, why, why_bytes, "it is empty");
	error = lsp_profile_decode(data, bytes, ret, why, why_bytes);
	if (error == -EBADMSG && is_text(data, bytes))
		return fail(error, why, why_bytes, "it is text, not a pprof protobuf");
	if (error == -ENOMEM)
		return fail(error, why, why_bytes, "there is not enough memory for it");
	return error;
}

int lsp_profile_read_mem(const void *data, size_t bytes, struct lsp_profile **ret, char *why,
			 size_t why_bytes)
{
	const char *clause;
	void *plain;
	int error;

	*ret = NULL;
	if (!lsp_gzip_is(data, bytes)) {
		if (bytes > LSP_PROFILE_MAX_BYTES)
			return fail(-EBADMSG, why, why_bytes, "it is larger than %u MiB",
				    LSP_PROFILE_MAX_BYTES >> 20);
		return plain_read(data, bytes, ret, why, why_bytes);
	}
	error = lsp_gzip_read(data, bytes, LSP_PROFILE_MAX_BYTES, &plain, &bytes, &clause);
	if (error == -EFBIG)
		return fail(-EBADMSG, why, why_bytes, "it inflates to more than %u MiB",
			    LSP_PROFILE_MAX_BYTES >> 20);
	if (error)
		return fail(error, why, why_bytes, "%s",
			    error == -EBADMSG ? clause : "there is not enough memory for it");
	error = plain_read(plain, bytes, ret, why, why_bytes);
	free(plain);
	return error;
}

/* Reads all of @fd into malloc'ed memory. A pipe does not tell its size. */
static int slurp(int fd, void **ret, size_t *bytes_ret)
{
	size_t used = 0, capacity = FIRST_READ_BYTES;
	unsigned char *data, *grown;
	struct stat st;
	ssize_t got;

	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= LSP_PROFILE_MAX_BYTES)
		capacity = (size_t)st.st_size + 1;
	data = malloc(capacity);
	while (data) {
		got = read(fd, data + used, capacity - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			got = -errno;
			free(data);
			return (int)got;
		}
		used += (size_t)got;
		if (!got || used > LSP_PROFILE_MAX_BYTES) {
			*ret = data;
			*bytes_ret = used;
			return 0;
		}
		if (used < capacity)
			continue;
		capacity *= 2;
		grown = realloc(data, capacity);
		if (!grown)
			free(data);
		data = grown;
	}
	return -ENOMEM;
}

int lsp_profile_read(const char *path, struct lsp_profile **ret, char *why, size_t why_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t bytes = 0;
	void *data = NULL;
	int error;

	*ret = NULL;
	if (fd < 0) {
		error = -errno;
		return fail(error, why, why_bytes, "it cannot be opened: %s", strerror(-error));
	}
	error = slurp(fd, &data, &bytes);
	close(fd);
	if (error)
		return fail(error, why, why_bytes, "it cannot be read: %s", strerror(-error));
	if (bytes > LSP_PROFILE_MAX_BYTES)
		error = fail(-EBADMSG, why, why_bytes, "it is larger than %u MiB",
			     LSP_PROFILE_MAX_BYTES >> 20);
	else
		error = lsp_profile_read_mem(data, bytes, ret, why, why_bytes);
	free(data);
	return error;
}
