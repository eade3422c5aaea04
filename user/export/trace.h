/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A span file as a timeline for Perfetto: the waits of each thread, the holds of each thread and lock, arrows from
 * who released to who waited, and how many threads waited at a time. man lockspan-export says what is to be seen.
 */
#ifndef LSP_EXPORT_TRACE_H
#define LSP_EXPORT_TRACE_H

#include <stdio.h>

#include "../capture/spanfile.h"

struct lsp_export_trace {
	struct lsp_spanfile_state state;	/* what of the file could be read */
	uint64_t waits;				/* shown */
	uint64_t unmeasured;			/* waits whose end was not seen: they have no length, and are not shown */
	bool sampled;				/* the file does not have every wait and release */
};

/*
 * Reads the file @path twice: first what there is, then what is shown of it. The memory does not grow with the number
 * of waits, only with the numbers of threads, locks and stacks, and of releases that came late or from an interrupt. Returns 0 or -errno.
 */
int lsp_export_trace(FILE *to, const char *path, struct lsp_export_trace *ret);

#endif
