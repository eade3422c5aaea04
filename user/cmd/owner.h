/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose the files are that root writes: they belong to the user who came by sudo. */
#ifndef LSP_CMD_OWNER_H
#define LSP_CMD_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether we are root, and @uid came by sudo. */
bool lsp_owner_is(uid_t uid);

/* Gives a file, a folder or a link, not what it leads to, to the user who came by sudo. Without such a user it stays root's. */
void lsp_owner_give(const char *path);

#endif
