/* SPDX-License-Identifier: GPL-2.0-only */
/* Shows on a terminal, in one line, how a recording goes; writes nothing to a pipe or a file. */
#ifndef LSP_CMD_PROGRESS_H
#define LSP_CMD_PROGRESS_H

#include <stdbool.h>

#include "recorder.h"

struct lsp_progress {
	bool shown;	/* standard error is a terminal */
};

void lsp_progress_init(struct lsp_progress *p);

/* Counts the events of a recording that goes on, and those that were lost. Asks the module. */
void lsp_progress_events(const struct lsp_recorder *from, uint64_t *events, uint64_t *lost);

/*
 * Shows how many events happened, were kept and were lost, and the lock that was waited for most.
 */
void lsp_progress_show(const struct lsp_progress *p, const struct lsp_recorder *from);

/* Replaces the line with this text; "" removes it. */
void lsp_progress_text(const struct lsp_progress *p, const char *text);

#endif
