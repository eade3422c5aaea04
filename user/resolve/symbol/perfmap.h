/* SPDX-License-Identifier: GPL-2.0-only */
/* Names that a just-in-time compiler wrote down for its code: /tmp/perf-PID.map. */
#ifndef LSP_SYMBOL_PERFMAP_H
#define LSP_SYMBOL_PERFMAP_H

#include <stdint.h>

#include "../trace.h"
#include "symbol.h"

struct lsp_perfmaps;

/* @symbols keeps the names and must outlive it. 0 or -ENOMEM. */
int lsp_perfmaps_create(struct lsp_symbols *symbols, struct lsp_perfmaps **ret);
void lsp_perfmaps_destroy(struct lsp_perfmaps *p);

/*
 * The name of the code at @pc of process @tgid, of the entry written last where
 * several cover it. The file is looked for in the process's own root directory,
 * under its pid there, and read again when it has grown. 0, -ENOENT or -ENOMEM.
 */
int lsp_perfmaps_find(struct lsp_perfmaps *p, uint32_t tgid, uint64_t pc,
		      const struct lsp_line **ret);

#endif
