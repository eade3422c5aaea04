/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of the unwind rules that the collector has taught in this session. A full table is emptied. */
#ifndef _LSP_RULES_H
#define _LSP_RULES_H

#include <linux/types.h>

#include "core/walk.h"

/* Process context, may sleep. Returns 0 or -ENOMEM. */
int lsp_rules_init(void);
void lsp_rules_uninit(void);
u64 lsp_rules_memory(void);

/*
 * Learns @bytes bytes of struct lockspan_rule, which may have any alignment. Process context, under
 * the session's lock. Returns 0 or -EINVAL with a sentence in *@why. If the table was full it is
 * emptied, and *@renewed is set. Then all stacks must be sent again. Otherwise the collector would
 * not teach their rules again.
 */
int lsp_rules_teach(u32 generation, const void *rules, u32 bytes, bool *renewed, const char **why);

/* The table of rules, or NULL without a session. It stays valid while preemption is off. */
const struct lsp_walk_table *lsp_rules_table(void);

#endif
