/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of a recording and their folder, and what is said of it at its end. */
#ifndef LSP_CMD_RECORD_FILES_H
#define LSP_CMD_RECORD_FILES_H

#include <stdbool.h>

#include "folder.h"
#include "record_options.h"
#include "record_result.h"

/*
 * Writes all files except the span file. Returns whether all are written, and says which are not.
 */
bool lsp_record_files_write(const struct lsp_record_options *o, const struct lsp_record_result *r);

/* Says on standard error what a recording has lost, and its notes. Returns whether it is complete. */
bool lsp_record_losses_say(const struct lsp_losses *losses);

/*
 * Says on standard error what was lost and what the recording came to. @see: where it is, or NULL. Returns
 * whether it is complete.
 */
bool lsp_record_outcome_say(const struct lsp_record_result *r, const char *see);

/* Begins the folder. Returns false, and says why, if it cannot. */
bool lsp_record_folder_begin(struct lsp_folder *f, const struct lsp_record_options *o);

/*
 * Commits the folder if all is @written, otherwise leaves what could be written in the inner
 * folder, and says where. Returns whether it was committed.
 */
bool lsp_record_folder_end(struct lsp_folder *f, bool written);

#endif
