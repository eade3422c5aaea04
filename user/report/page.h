/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a report as one HTML page that fetches nothing: tables, flame graphs of waiters and
 * releasers, a search.
 */
#ifndef LSP_REPORT_PAGE_H
#define LSP_REPORT_PAGE_H

#include <stdio.h>

#include "recording.h"

/* Returns 0 or -ENOMEM. Errors of writing stay in @to; ask ferror(). */
int lsp_report_page(FILE *to, const struct lsp_recording *r);

/*
 * Writes JSON that can be put into a script element: nothing in it can end the element or begin a
 * comment.
 */
void lsp_page_json(FILE *to, const char *json);

#endif
