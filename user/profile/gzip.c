// SPDX-License-Identifier: GPL-2.0-only
/* zlib's streams with errors of our own. This file knows nothing of profiles. */
#include "gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW (MAX_WBITS + 16)	/* zlib: gzip instead of its own framing */
#define OUT_BYTES (64 * 1024)

struct lsp_gzip {
	z_stream stream;
	lsp_gzip_sink sink;
	void *arg;
	int error;
	unsigned char out[OUT_BYTES];
};

struct lsp_gzip *lsp_gzip_create(lsp_gzip_sink sink, void *arg)
{
	struct lsp_gzip *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	if (deflateInit2(&z->stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return NULL;
	}
	z->sink = sink;
	z->arg = arg;
	return z;
}

void lsp_gzip_destroy(struct lsp_gzip *z)
{
	if (!z)
		return;
	deflateEnd(&z->stream);
	free(z);
}

static int compress_some(struct lsp_gzip *z, int flush)
{
	size_t have;
	int ret;

	do {
		z->stream.next_out = z->out;
		z->stream.avail_out = OUT_BYTES;
		ret = deflate(&z->stream, flush);
		have = OUT_BYTES - z->stream.avail_out;
		if (have)
			z->error = z->sink(z->arg, z->out, have);
	} while (!z->error && (flush == Z_FINISH ? ret != Z_STREAM_END : !z->stream.avail_out));
	return z->error;
}

int lsp_gzip_write(struct lsp_gzip *z, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	while (bytes && !z->error) {
		uInt part = bytes < INT_MAX ? (uInt)bytes : INT_MAX;

		z->stream.next_in = (unsigned char *)at;
		z->stream.avail_in = part;
		compress_some(z, Z_NO_FLUSH);
		at += part;
		bytes -= part;
	}
	return z->error;
}

int lsp_gzip_finish(struct lsp_gzip *z)
{
	return z->error ? z->error : compress_some(z, Z_FINISH);
}

bool lsp_gzip_is(const void *data, size_t bytes)
{
	const unsigned char *at = data;

	return bytes >= 2 && at[0] == 0x1f && at[1] == 0x8b;
}

struct inflater {
	z_stream stream;
	unsigned char *out;
	size_t used;
	size_t capacity;
	size_t max_bytes;
};

static int out_grow(struct inflater *in)
{
	size_t capacity = in->capacity ? in->capacity * 2 : OUT_BYTES;
	unsigned char *out;

	if (in->used > in->max_bytes)
		return -EFBIG;
	if (capacity > in->max_bytes)
		capacity = in->max_bytes + 1;	/* if this byte is filled, the content is too large */
	out = realloc(in->out, capacity);
	if (!out)
		return -ENOMEM;
	in->out = out;
	in->capacity = capacity;
	return 0;
}

/* Up to the end of one member. */
static int member_read(struct inflater *in, const unsigned char **at, size_t *left,
		       const char **why_ret)
{
	int ret;

	for (;;) {
		uInt part = *left < INT_MAX ? (uInt)*left : INT_MAX;
		size_t room;

		if (in->used == in->capacity) {
			ret = out_grow(in);
			if (ret)
				return ret;
		}
		room = in->capacity - in->used;
		in->stream.next_in = (unsigned char *)*at;
		in->stream.avail_in = part;
		in->stream.next_out = in->out + in->used;
		in->stream.avail_out = room < INT_MAX ? (uInt)room : INT_MAX;
		ret = inflate(&in->stream, Z_NO_FLUSH);
		in->used = (size_t)(in->stream.next_out - in->out);
		*at += part - in->stream.avail_in;
		*left -= part - in->stream.avail_in;
		if (ret == Z_STREAM_END)
			return in->used > in->max_bytes ? -EFBIG : 0;
		if (ret == Z_MEM_ERROR)
			return -ENOMEM;
		if (ret != Z_OK && ret != Z_BUF_ERROR) {
			*why_ret = "the gzip data is damaged";
			return -EBADMSG;
		}
		if (!*left && in->used < in->capacity) {
			*why_ret = "the gzip data ends too early";
			return -EBADMSG;
		}
	}
}

int lsp_gzip_read(const void *data, size_t bytes, size_t max_bytes, void **ret, size_t *bytes_ret,
		  const char **why_ret)
{
	struct inflater in = { .max_bytes = max_bytes };
	const unsigned char *at = data;
	int error;

	*why_ret = "";
	if (inflateInit2(&in.stream, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	do {
		error = member_read(&in, &at, &bytes, why_ret);
		if (!error && bytes && !lsp_gzip_is(at, bytes)) {
			*why_ret = "something follows the gzip data";
			error = -EBADMSG;
		}
		if (!error && bytes && inflateReset(&in.stream) != Z_OK)
			error = -ENOMEM;
	} while (!error && bytes);
	inflateEnd(&in.stream);
	if (error) {
		if (error == -EFBIG)
			*why_ret = "the gzip data holds too much";
		free(in.out);
		return error;
	}
	*ret = in.out;
	*bytes_ret = in.used;
	return 0;
}
