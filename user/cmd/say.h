/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints the sentences on standard error that several commands need. */
#ifndef LSP_CMD_SAY_H
#define LSP_CMD_SAY_H

#include "../capture/client.h"

/* Prints "lockspan: ", the text and a newline. */
void lsp_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a sentence in the same way: for a resolver's warnings. */
void lsp_say_warning(void *unused, const char *sentence);

/*
 * Like strerror(), for these sentences. If memory is short, it names the limits that are set. Valid
 * until the next call.
 */
const char *lsp_say_errno(int err);

/*
 * Says what went wrong while @doing ("start the recording") with the module, and what to do about
 * it. @err is a negative errno of the client.
 */
void lsp_say_client(const struct lsp_client *c, const char *doing, int err);

#endif
