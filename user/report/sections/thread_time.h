/* SPDX-License-Identifier: GPL-2.0-only */
/* Says where the time of all threads went, and whether it is futexes that they wait for. */
#ifndef LSP_REPORT_THREAD_TIME_H
#define LSP_REPORT_THREAD_TIME_H

#include <stdio.h>

#include "sections.h"

struct json_object;

/* Writes one line, and a second one if the threads wait elsewhere. Nothing if nobody knows. 0 or -ENOMEM. */
int lsp_thread_time_text(FILE *to, const struct lsp_recording *r, const struct lsp_sections *s);

/* "thread_time" of report --json. NULL: nobody knows. */
struct json_object *lsp_thread_time_json(const struct lsp_recording *r, const struct lsp_sections *s);

#endif
