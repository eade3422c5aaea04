/* SPDX-License-Identifier: GPL-2.0-only */
/* From what the reading commands are given, folders and files, to a recording. */
#ifndef LSP_CMD_LOAD_H
#define LSP_CMD_LOAD_H

#include <stdbool.h>

#include "../report/recording.h"

/*
 * Adds the recording in folder @path, or the profile in file @path, to @r. Says
 * on standard error what is amiss. False: nothing could be used. *@partial is
 * set when something was left out; for a folder, also when the recording itself
 * lost records.
 */
bool lsp_load(struct lsp_recording *r, const char *path, bool *partial);

/* Whether @r has any waits or releases. */
bool lsp_load_samples(const struct lsp_recording *r);

#endif
