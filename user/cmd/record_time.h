/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LSP_CMD_RECORD_TIME_H
#define LSP_CMD_RECORD_TIME_H

#include <json-c/json.h>

#include "../collect/collector.h"

/* Adds "thread_time" to record.json: what all threads did in all their time, the longest first. Nothing if nobody knows. */
void lsp_record_time_add(struct json_object *o, const struct lsp_collector *c);

#endif
