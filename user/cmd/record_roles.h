/* SPDX-License-Identifier: GPL-2.0-only */
/* What record.json says of the keys: what each is used for, and which hold was not blamed, and why. */
#ifndef LSP_CMD_RECORD_ROLES_H
#define LSP_CMD_RECORD_ROLES_H

#include "record_result.h"

struct json_object;

/* "not_blamed" and "keys" of record.json. 0 or -ENOMEM. */
int lsp_record_roles_add(struct json_object *o, const struct lsp_record_result *r);

#endif
