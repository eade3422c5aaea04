/* SPDX-License-Identifier: GPL-2.0-only */
/* A resolver that is told by a stack's rip what the stack is. */
#ifndef LSP_TESTS_FIXTURE_RESOLVER_H
#define LSP_TESTS_FIXTURE_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../user/resolve/resolve.h"

/* rip is class * 16 + n. Stacks with different n are different stacks of that class. */
#define RIP(sync, n) ((uint64_t)LSP_SYNC_##sync * 16 + (n) + 0x1000)

extern bool all_mapped;		/* every process's mappings are known */
extern uint32_t mapped_tgid;	/* the mappings of this process are known, from a MAP record */
extern int stacks_resolved;
extern bool locks_native;	/* a lock's word is never its threads' */
extern bool sites_by_rip;	/* stacks of one class come from different functions, n below 6 */
extern bool locks_in_variables;	/* locks are named after the generation: "variable of 3" */

#endif
