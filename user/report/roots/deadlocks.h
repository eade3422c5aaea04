/* SPDX-License-Identifier: GPL-2.0-only */
/* Shows the deadlocks of a recording: threads that wait for each other's locks. */
#ifndef LSP_REPORT_ROOTS_DEADLOCKS_H
#define LSP_REPORT_ROOTS_DEADLOCKS_H

#include <stdio.h>

#include "../recording.h"

struct json_object;

/* The list of report --json; empty if there is none. */
struct json_object *lsp_deadlock_rows_json(const struct lsp_recording *r);

/* A line for each thread of each deadlock. */
void lsp_deadlock_rows_text(FILE *to, const struct lsp_recording *r);

#endif
