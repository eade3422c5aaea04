/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints the events of a recording as a timeline for Perfetto. */
#ifndef LSP_CMD_EXPORT_TRACE_H
#define LSP_CMD_EXPORT_TRACE_H

/* Prints the file @recording, or the one in that folder. Says what is wrong. Returns the exit status. */
int lsp_export_timeline(const char *recording);

#endif
