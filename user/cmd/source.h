/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program's own profiles as the user's side: a file, a folder of them, or the
 * address under which the program serves them (net/http/pprof).
 */
#ifndef LSP_CMD_SOURCE_H
#define LSP_CMD_SOURCE_H

#include <stdbool.h>

/* Whether @source is an address. */
bool lsp_source_is_url(const char *source);

/*
 * Writes the block profile that @source has to DIR/block.pb.gz, and its mutex
 * profile, if there is one, to DIR/mutex.pb.gz; of an address, what has come
 * since the profiles that @base (a folder, or NULL) holds. False: said why.
 */
bool lsp_source_take(const char *source, const char *directory, const char *base);

#endif
