/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes numbers in the text format that Prometheus reads (version 0.0.4). Knows no number by itself. */
#ifndef LSP_SERVE_METRICS_H
#define LSP_SERVE_METRICS_H

#include <stdint.h>
#include <stdio.h>

#define LSP_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct lsp_metrics_label {
	const char *key;	/* NULL: the list ends before it */
	const char *value;	/* any text */
};

/* Begins a metric: all of its values follow, before another metric begins. @type is "counter" or "gauge". */
void lsp_metrics_begin(FILE *to, const char *name, const char *type, const char *help);

/* Writes a value of it. At most two labels; NULL: none. Seconds are given in ns, of which none is lost. */
void lsp_metrics_number(FILE *to, const char *name, const struct lsp_metrics_label labels[2], uint64_t value);
void lsp_metrics_seconds(FILE *to, const char *name, const struct lsp_metrics_label labels[2], uint64_t ns);

#endif
