/* SPDX-License-Identifier: GPL-2.0-only */
/* A report as a JSON object; the keys are documented in lockspan-report(1). */
#ifndef LSP_REPORT_JSON_H
#define LSP_REPORT_JSON_H

#include <stddef.h>

#include "table.h"

struct json_object;

/* Makes the object with at most @top rows. The caller puts it. */
struct json_object *lsp_report_json(const struct lsp_recording *r, const struct lsp_table *t,
				    size_t top);

/* Makes a number that JSON can hold: one that is not finite becomes null. */
struct json_object *lsp_report_json_number(double value);

/* Adds "interval", and if there is one its limits "low_ns" and "high_ns". */
void lsp_report_json_bounds(struct json_object *o, const struct lsp_bounds *b);

#endif
