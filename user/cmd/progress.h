/* SPDX-License-Identifier: GPL-2.0-only */
/* One line on a terminal that tells how a recording goes; nothing in a pipe or file. */
#ifndef LSP_CMD_PROGRESS_H
#define LSP_CMD_PROGRESS_H

#include <stdbool.h>

#include "recorder.h"

struct lsp_progress {
	bool shown;	/* standard error is a terminal */
};

void lsp_progress_init(struct lsp_progress *p);

/* Events that happened, were kept, were lost, and the lock that was waited for most. */
void lsp_progress_show(const struct lsp_progress *p, const struct lsp_recorder *from);

/* The line becomes this text; "" removes it. */
void lsp_progress_text(const struct lsp_progress *p, const char *text);

#endif
