/* SPDX-License-Identifier: GPL-2.0-only */
/* The unwind rules that the collector has taught, for the session. */
#ifndef _LSP_RULES_H
#define _LSP_RULES_H

#include <linux/types.h>

#include "core/walk.h"

/* Process context, may sleep. 0 or -ENOMEM. */
int lsp_rules_init(void);
void lsp_rules_uninit(void);
u64 lsp_rules_memory(void);

/*
 * Takes @bytes of struct lockspan_rule, at any alignment. Process context,
 * under the session's lock. 0 or -EINVAL with a sentence in *@why. *@renewed
 * is set when the table was full and has been emptied. Then all stacks must be
 * sent again, or else the collector would not teach their rules again.
 */
int lsp_rules_teach(u32 generation, const void *rules, u32 bytes, bool *renewed, const char **why);

/* The table, NULL without a session; good while preemption is off. */
const struct lsp_walk_table *lsp_rules_table(void);

#endif
