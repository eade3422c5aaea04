/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes of a recording, and when their mappings were last read from /proc. That is done for
 * stacks whose mappings the module does not send.
 */
#ifndef LSP_COLLECT_PROCESSES_H
#define LSP_COLLECT_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"
#include "../resolve/resolve.h"

struct lsp_process {
	uint32_t tgid;
	uint32_t generation;	/* generation of the mappings that were met last */
	bool met;		/* mappings have been met */
	bool changed;		/* mappings of another generation were met before */
	uint64_t read_ns;	/* when /proc was last read for it; 0: never */
	bool full;		/* a stack of it has filled the module's window */
	bool deep;		/* such a stack ended beyond the window, so the module must look at more */
	bool deep_asked;	/* the module has been asked to look at more */
};

/* All zero is an empty set. */
struct lsp_processes {
	struct lsp_process *processes;
	size_t n;
	size_t room;
	struct lsp_index index;
};

void lsp_processes_uninit(struct lsp_processes *p);

/* Returns the process, and makes it if needed. NULL: no memory. Valid until the next call. */
struct lsp_process *lsp_processes_at(struct lsp_processes *p, uint32_t tgid);

/*
 * Reads the mappings from /proc, as generation 0, unless that was done a moment ago. Returns
 * whether they were read.
 */
bool lsp_process_read(struct lsp_process *process, struct lsp_resolver *r);

#endif
