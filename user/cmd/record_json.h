/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes the file record.json. */
#ifndef LSP_CMD_RECORD_JSON_H
#define LSP_CMD_RECORD_JSON_H

#include "record_options.h"
#include "record_result.h"

/* Writes DIR/record.json by way of a temporary file. Returns 0 or -errno. */
int lsp_record_json_write(const struct lsp_record_options *o, const struct lsp_record_result *r,
			  const char *path);

#endif
