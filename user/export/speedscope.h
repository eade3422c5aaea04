/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file format of speedscope (https://www.speedscope.app/file-format-schema.json): one table of
 * frames, and profiles of type "sampled", whose weights are in ns.
 */
#ifndef LSP_EXPORT_SPEEDSCOPE_H
#define LSP_EXPORT_SPEEDSCOPE_H

#include "stacks.h"

struct json_object;

struct lsp_export_view {
	const char *name;	/* what speedscope shows in its list of profiles */
	const struct lsp_export_stacks *stacks;
};

/* @name is the recording's, @exporter the program's with its version. The caller frees it. */
struct json_object *lsp_export_speedscope(const struct lsp_export_frames *f, const struct lsp_export_view *views,
					  size_t n, const char *name, const char *exporter);

#endif
