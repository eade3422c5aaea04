/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces of JSON that several commands write. All of them add to @o. */
#ifndef LSP_CMD_JSON_H
#define LSP_CMD_JSON_H

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

#include "../capture/client.h"

/* Makes a string. Bytes that are not UTF-8 become U+FFFD. NULL: no memory. */
struct json_object *lsp_json_new_string(const char *text);

void lsp_json_string(struct json_object *o, const char *key, const char *value);
void lsp_json_u64(struct json_object *o, const char *key, uint64_t value);
void lsp_json_double(struct json_object *o, const char *key, double value);

/* "block_rate_ns", "mutex_fraction" and "min_delay_ns". */
void lsp_json_rates(struct json_object *o, const struct lsp_rates *r);

/* "counters": every one by its name; "probes": name, symbol, missed. */
void lsp_json_counters(struct json_object *o, const struct lsp_client_report *r);
void lsp_json_probes(struct json_object *o, const struct lsp_client_report *r);

/* The names of a stack's functions, leaf first. */
struct lsp_trace;
struct json_object *lsp_json_new_stack(const struct lsp_trace *t);

/* Writes the string, quoted, to a stream. */
void lsp_json_text(FILE *to, const char *text);

#endif
