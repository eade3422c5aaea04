/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes into record.json who is at the root of the blame. */
#ifndef LSP_CMD_RECORD_ROOTS_H
#define LSP_CMD_RECORD_ROOTS_H

#include "record_result.h"

struct json_object;

/* Adds "roots", and "roots_missing" where they are not known. 0 or -ENOMEM. */
int lsp_record_roots_add(struct json_object *o, const struct lsp_record_result *r);

#endif
