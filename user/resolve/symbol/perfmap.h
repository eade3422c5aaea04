/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the names that a just-in-time compiler wrote for its code: /tmp/perf-PID.map. */
#ifndef LSP_SYMBOL_PERFMAP_H
#define LSP_SYMBOL_PERFMAP_H

#include <stdint.h>

#include "../trace.h"
#include "symbol.h"

struct lsp_perfmaps;

/* @symbols keeps the names, and must outlive the lists. Returns 0 or -ENOMEM. */
int lsp_perfmaps_create(struct lsp_symbols *symbols, struct lsp_perfmaps **ret);
void lsp_perfmaps_destroy(struct lsp_perfmaps *p);

/*
 * Finds the name of the code at @pc in process @tgid. If several entries cover it, the last one
 * written counts. The file is looked for in the process's own root directory, under its pid there,
 * and is read again when it has grown. Returns 0, -ENOENT or -ENOMEM.
 */
int lsp_perfmaps_find(struct lsp_perfmaps *p, uint32_t tgid, uint64_t pc,
		      const struct lsp_line **ret);

#endif
