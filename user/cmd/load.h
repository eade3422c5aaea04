/* SPDX-License-Identifier: GPL-2.0-only */
/* Loads recordings from the folders and files that the reading commands are given. */
#ifndef LSP_CMD_LOAD_H
#define LSP_CMD_LOAD_H

#include <stdbool.h>

#include "../report/recording.h"

/*
 * Adds the recording in the folder @path, or the profile in the file @path, to @r. Says on standard
 * error what is wrong. Returns false if nothing could be used. *@partial is set if something was
 * left out, and for a folder also if the recording itself lost records.
 */
bool lsp_load(struct lsp_recording *r, const char *path, bool *partial);

/*
 * Adds those of the @n @paths that can be used. Returns how many could. *@partial is set also if one could not.
 */
size_t lsp_load_all(struct lsp_recording *r, char *const *paths, size_t n, bool *partial);

/* Whether @r has any waits or releases. */
bool lsp_load_samples(const struct lsp_recording *r);

#endif
