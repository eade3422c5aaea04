/* SPDX-License-Identifier: GPL-2.0-only */
/* What lockspan serve tells Prometheus. */
#ifndef LSP_CMD_SERVE_METRICS_H
#define LSP_CMD_SERVE_METRICS_H

#include <stdio.h>

#include "recorder.h"

/* At most so many locks have series of their own: those with most waiting and blame. */
#define LSP_SERVE_LOCKS_MAX 20

/* Writes all metrics of the session. Returns 0 or -errno. */
int lsp_serve_metrics_write(FILE *to, const struct lsp_recorder *from);

#endif
