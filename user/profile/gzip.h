/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads and writes gzip. The header carries no time and no name, so equal input gives equal output.
 */
#ifndef LSP_PROFILE_GZIP_H
#define LSP_PROFILE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

struct lsp_gzip;

/* Receives compressed bytes. Takes all of them, or returns -errno. */
typedef int (*lsp_gzip_sink)(void *arg, const void *data, size_t bytes);

/* NULL: no memory. */
struct lsp_gzip *lsp_gzip_create(lsp_gzip_sink sink, void *arg);
void lsp_gzip_destroy(struct lsp_gzip *z);

/*
 * Returns 0 or the sink's error. After an error, the sink gets nothing more, and each call returns
 * that error.
 */
int lsp_gzip_write(struct lsp_gzip *z, const void *data, size_t bytes);
int lsp_gzip_finish(struct lsp_gzip *z);

/* Whether the bytes begin like a gzip file. */
bool lsp_gzip_is(const void *data, size_t bytes);

/*
 * Decompresses the whole of @data, which may have several members. *@ret is malloc'ed. Returns 0,
 * -ENOMEM, -EFBIG (more than @max_bytes) or -EBADMSG. For -EBADMSG, *@why_ret is a clause without a
 * full stop.
 */
int lsp_gzip_read(const void *data, size_t bytes, size_t max_bytes, void **ret, size_t *bytes_ret,
		  const char **why_ret);

#endif
