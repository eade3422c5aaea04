/* SPDX-License-Identifier: GPL-2.0-only */
/* The recordings that lockspan gate compares. */
#ifndef LSP_CMD_GATE_RUNS_H
#define LSP_CMD_GATE_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "../gate/verdict.h"

struct lsp_gate_runs {
	struct lsp_gate_run runs[LSP_GATE_RUNS_MAX];
	char *paths[LSP_GATE_RUNS_MAX];
	size_t n;
};

/*
 * Adds the recording in the folder @path, or all those in folders directly
 * inside it, in the order of their names. @lock: only waits for it count, of any
 * class; NULL: waits for mutexes, rwlocks and PI locks. False after saying what
 * is wrong.
 */
bool lsp_gate_runs_add(struct lsp_gate_runs *r, const char *path, const char *lock);
void lsp_gate_runs_uninit(struct lsp_gate_runs *r);

#endif
