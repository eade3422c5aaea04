/* SPDX-License-Identifier: GPL-2.0-only */
/* A report as a JSON object; the keys are documented in lockspan-report(1). */
#ifndef LSP_REPORT_JSON_H
#define LSP_REPORT_JSON_H

#include <stddef.h>

#include "table.h"

struct json_object;

/* At most @top rows. For the caller to put. */
struct json_object *lsp_report_json(const struct lsp_recording *r, const struct lsp_table *t,
				    size_t top);

/* A number that JSON can hold: what is not finite becomes null. */
struct json_object *lsp_report_json_number(double value);

/* Adds "interval", and "low_ns" and "high_ns" where there is one. */
void lsp_report_json_bounds(struct json_object *o, const struct lsp_bounds *b);

#endif
