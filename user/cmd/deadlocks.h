/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks for deadlocks while a recording lasts, and says which threads, locks and functions they are of. */
#ifndef LSP_CMD_DEADLOCKS_H
#define LSP_CMD_DEADLOCKS_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../collect/collector.h"
#include "../stuck/scan.h"
#include "record_options.h"

struct json_object;

/* All zero is empty. */
struct lsp_deadlocks {
	struct lsp_stuck found;
	uint64_t next_ns;	/* not to look before */
	bool everybody;		/* processes were looked at that may not be recorded */
};

void lsp_deadlocks_uninit(struct lsp_deadlocks *d);

/*
 * Looks at the processes that are recorded, of which the command's is @child (0: there is none). Without @now it does
 * nothing if that would take more than a hundredth of the time, or has taken long. The collector is told of whom to keep the stack.
 */
void lsp_deadlocks_look(struct lsp_deadlocks *d, const struct lsp_record_options *o, pid_t child, struct lsp_collector *c,
			bool now);

/* The list "deadlocks". @c NULL: nothing is known of stacks, and locks are addresses. */
struct json_object *lsp_deadlocks_json(const struct lsp_deadlocks *d, const struct lsp_collector *c);

/* Appends a clause to a sentence, if there are any: "; deadlock: ...". */
void lsp_deadlocks_text(FILE *to, const struct lsp_deadlocks *d, const struct lsp_collector *c);

#endif
