/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes a report as text, for a terminal or a file. */
#ifndef LSP_REPORT_TEXT_H
#define LSP_REPORT_TEXT_H

#include <stdio.h>

#include "table.h"

/* Writes at most @top rows. Errors stay in @to; ask ferror(). */
void lsp_report_text(FILE *to, const struct lsp_recording *r, const struct lsp_table *t, size_t top);

#endif
