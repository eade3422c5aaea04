/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes a program's own profiles as the user's side: from a file, a folder, or the address at which
 * the program serves them (net/http/pprof).
 */
#ifndef LSP_CMD_SOURCE_H
#define LSP_CMD_SOURCE_H

#include <stdbool.h>

/* Whether @source is an address. */
bool lsp_source_is_url(const char *source);

/*
 * Writes the block profile of @source to DIR/block.pb.gz, and its mutex profile, if there is one,
 * to DIR/mutex.pb.gz. For an address, what the profiles in the folder @base (or NULL) have is
 * subtracted. Returns false, and says why, if that fails.
 */
bool lsp_source_take(const char *source, const char *directory, const char *base);

#endif
