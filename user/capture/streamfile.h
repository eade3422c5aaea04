/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A module's DATA messages as they came, and what its END said: for measuring
 * and testing the collector without a module. In this machine's byte order and
 * for this contract's version alone; nothing to keep.
 */
#ifndef LSP_CAPTURE_STREAMFILE_H
#define LSP_CAPTURE_STREAMFILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client.h"

/* All return 0 or -errno. */
int lsp_streamfile_create(const char *path, FILE **ret);
int lsp_streamfile_add_data(FILE *f, uint32_t cpu, uint64_t seq, const void *run, size_t bytes);
int lsp_streamfile_add_end(FILE *f, const struct lsp_client_report *end);

/*
 * Gives every run to @data in its order and END to *@end. -EBADMSG: not such a
 * file, of another version, damaged or cut off. -ENODATA: it has no END.
 */
int lsp_streamfile_replay(const char *path, lsp_client_data_fn data, void *arg,
			  struct lsp_client_report *end);

#endif
