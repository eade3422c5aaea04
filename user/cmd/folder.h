/* SPDX-License-Identifier: GPL-2.0-only */
/* The folder that a recording is written to. */
#ifndef LSP_CMD_FOLDER_H
#define LSP_CMD_FOLDER_H

/* Makes @path with its parents and tries whether a file can be made there. 0 or -errno. */
int lsp_folder_check(const char *path);

/* Removes what an earlier recording left there: it would be taken for this one's. */
void lsp_folder_clear(const char *path);

#endif
