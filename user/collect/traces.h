/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps resolved stacks, finds their sites, and writes them to the span file. Each distinct one is
 * kept once per process, because many captured stacks (in raw mode all of them) lead to few traces.
 */
#ifndef LSP_COLLECT_TRACES_H
#define LSP_COLLECT_TRACES_H

#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"
#include "../capture/spanfile.h"
#include "../resolve/trace.h"

#define LSP_TRACE_NONE 0	/* place of the trace without frames, END_NONE */

struct lsp_traces_entry {
	struct lsp_trace trace;
	uint32_t tgid;
};

struct lsp_traces {
	struct lsp_traces_entry *entries;
	size_t n;
	size_t room;
	struct lsp_index index;
};

int lsp_traces_init(struct lsp_traces *t);
void lsp_traces_uninit(struct lsp_traces *t);

/* Returns the place of @trace, which is taken over (also on -ENOMEM). */
int lsp_traces_put(struct lsp_traces *t, uint32_t tgid, struct lsp_trace *trace, uint32_t *ret);

/*
 * The function beyond the lock library that a trace came from, which is the code that knows the
 * lock; NULL: there is none. Belongs to the trace.
 */
const char *lsp_trace_site(const struct lsp_trace *trace);

/* Writes a trace to a span file, under the number @number. */
int lsp_trace_spanfile(const struct lsp_trace *trace, uint32_t number,
		       struct lsp_spanfile_writer *w);

#endif
