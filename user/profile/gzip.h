/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One gzip stream. The header carries no time and no name: equal input, equal
 * output.
 */
#ifndef LSP_PROFILE_GZIP_H
#define LSP_PROFILE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

struct lsp_gzip;

/* Where compressed bytes go: all of them or -errno. */
typedef int (*lsp_gzip_sink)(void *arg, const void *data, size_t bytes);

/* NULL: no memory. */
struct lsp_gzip *lsp_gzip_create(lsp_gzip_sink sink, void *arg);
void lsp_gzip_destroy(struct lsp_gzip *z);

/* 0 or the sink's error, which stays: after one, nothing more reaches the sink. */
int lsp_gzip_write(struct lsp_gzip *z, const void *data, size_t bytes);
int lsp_gzip_finish(struct lsp_gzip *z);

/* Whether these bytes begin as gzip does. */
bool lsp_gzip_is(const void *data, size_t bytes);

/*
 * The whole content of @data, members one after the other, malloc'ed. 0,
 * -ENOMEM, -EFBIG (more than @max_bytes) or -EBADMSG; then *@why_ret is a
 * clause without a full stop.
 */
int lsp_gzip_read(const void *data, size_t bytes, size_t max_bytes, void **ret, size_t *bytes_ret,
		  const char **why_ret);

#endif
