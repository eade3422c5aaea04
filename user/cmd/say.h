/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences on standard error that several commands need. */
#ifndef LSP_CMD_SAY_H
#define LSP_CMD_SAY_H

#include "../capture/client.h"

/* "lockspan: " + the text + newline. */
void lsp_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* strerror() for these sentences: where memory is short it names the limits that there are. Until the next call. */
const char *lsp_say_errno(int err);

/*
 * What went wrong while @doing ("start the recording") with the module, in
 * words that say what to do about it. @err is a negative errno of the client.
 */
void lsp_say_client(const struct lsp_client *c, const char *doing, int err);

#endif
