/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints single events: a span file as one JSON object a line (docs/spanfile.md). */
#ifndef LSP_CMD_EXPORT_EVENTS_H
#define LSP_CMD_EXPORT_EVENTS_H

/* Prints the file @recording, or the one in that folder. Says what is wrong. Returns the exit status. */
int lsp_export_events(const char *recording);

#endif
