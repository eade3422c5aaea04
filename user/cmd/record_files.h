/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of a recording and their folder, and what is said of it at its end. */
#ifndef LSP_CMD_RECORD_FILES_H
#define LSP_CMD_RECORD_FILES_H

#include <stdbool.h>

#include "folder.h"
#include "record_options.h"
#include "record_result.h"

/* Writes all but the span file. Whether all is written; says what is not. */
bool lsp_record_files_write(const struct lsp_record_options *o, const struct lsp_record_result *r);

/* Says on standard error what a recording has lost, and its notes. Returns whether it is complete. */
bool lsp_record_losses_say(const struct lsp_losses *losses);

/*
 * Says on standard error what was lost and what the recording came to. @see: where it is, or NULL. Returns
 * whether it is complete.
 */
bool lsp_record_outcome_say(const struct lsp_record_result *r, const char *see);

/* Begins the folder. False: said why. */
bool lsp_record_folder_begin(struct lsp_folder *f, const struct lsp_record_options *o);

/* Commits it, or leaves what could be written. False: it was not @written, or not committed; said where it is. */
bool lsp_record_folder_end(struct lsp_folder *f, bool written);

#endif
