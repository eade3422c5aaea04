/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is at the root of the blame. A holder that waits for another lock hands on the blame for that time to whoever is
 * blamed there for the same time, and so on.
 */
#ifndef LSP_COLLECT_ROOTS_ROOTS_H
#define LSP_COLLECT_ROOTS_ROOTS_H

#include "events.h"

/* Where a chain ends. */
#define LSP_ROOT_ENDS(X)			\
	X(SITE, "")				/* at a release */ \
	X(HANDOFF, "[handoff]")			/* the lock that was waited for was in transit */ \
	X(GIVEN_UP, "[given up]")		/* no release answers for the wait */ \
	X(UNSURE, "[unsure]")			/* what was waited for may be several locks */ \
	X(UNKNOWN, "[unknown]")			/* what the holder did, or what was waited for, is not known */
#define LSP_ENUM_ROOT(id, name) LSP_ROOT_END_##id,
enum lsp_root_end { LSP_ROOT_ENDS(LSP_ENUM_ROOT) LSP_ROOT_END_COUNT };
const char *lsp_root_end_name(enum lsp_root_end end);

/*
 * Divides the hold_ns of each release in use as a lock by where its blame ends, and calls @take with the parts. @release is
 * the release at which a chain ends. With ends other than SITE it is the one whose wait led there, and @group is what
 * that wait was for. The parts of a release come to its hold_ns. The groups of @e are below @groups, and its
 * waits are in order of span.
 * 0, -ENOMEM, -E2BIG if chains are too many to follow, or what @take returns.
 */
int lsp_roots_find(const struct lsp_root_events *e, uint32_t groups,
		   int (*take)(void *arg, enum lsp_root_end end, uint32_t release, uint32_t group, uint64_t ns), void *arg);

#endif
