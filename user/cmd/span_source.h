/* SPDX-License-Identifier: GPL-2.0-only */
/* The span file of a recording, for the commands that show single events: where it is, and what is said of it. */
#ifndef LSP_CMD_SPAN_SOURCE_H
#define LSP_CMD_SPAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "../capture/spanfile.h"

/* Finds the span file: @recording itself, or the one in that folder. Returns false, and says why, if there is none. */
bool lsp_span_source_find(const char *recording, char *path, size_t bytes);

/* Says why @path could not be opened. Returns the exit status. */
int lsp_span_source_fail(const char *path, int err);

/* Whether all of the file could be read. Says what was missing. */
bool lsp_span_source_whole(const struct lsp_spanfile_state *s, const char *path);

#endif
