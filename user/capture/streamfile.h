/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of the module's DATA messages as they came, and of the report in its END. Tests and
 * measurements of the collector replay it without a module. It is in this machine's byte order and
 * for this version of the contract only, so it is no format for keeping recordings.
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
 * Gives every run to @data, in order, and the report of END to *@end. Returns -EBADMSG if the file
 * is no such file, or is of another version, damaged or cut off; -ENODATA if it has no END.
 */
int lsp_streamfile_replay(const char *path, lsp_client_data_fn data, void *arg,
			  struct lsp_client_report *end);

#endif
