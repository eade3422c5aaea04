/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks by their keys: what kind of primitive the waits on each show it to be,
 * how much was waited, and its name. The name is that of the stack that has
 * waited most when it is first needed, so that waiters and releasers, and one
 * run and the next, agree on it.
 */
#ifndef LSP_LOCKS_H
#define LSP_LOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/index.h"
#include "capture/span.h"
#include "capture/strings.h"
#include "resolve/resolve.h"

struct lsp_lock {
	uint64_t key;
	uint64_t uaddr;		/* in process owner */
	uint32_t owner;
	uint32_t generation;
	uint32_t name;		/* place in names, or LSP_INDEX_NONE */
	uint32_t trace;		/* of the stack that has waited most, or LSP_INDEX_NONE */
	double trace_ns;	/* how long, in one fold */
	double wait_ns;
	float classes[LSP_SYNC_COUNT];	/* waits of each class, by weight */
};

struct lsp_locks {
	struct lsp_lock *locks;
	size_t n;
	size_t room;
	struct lsp_index index;
	struct lsp_strings names;
};

/* All zero is an empty set. */
void lsp_locks_uninit(struct lsp_locks *l);

/* The lock of @key, made if need be. NULL: no memory. Valid until the next call. */
struct lsp_lock *lsp_locks_at(struct lsp_locks *l, uint64_t key);

/* The same, but NULL when it is not there. */
const struct lsp_lock *lsp_locks_find(const struct lsp_locks *l, uint64_t key);

/* @count waits of @wait_ns together were made on the lock, by the stack at @trace. */
void lsp_lock_wait_add(struct lsp_lock *lock, enum lsp_sync sync, uint32_t trace, double count,
		       double wait_ns);

/* The class that most waits on it are of; OTHER when there are none that tell. */
enum lsp_sync lsp_lock_class(const struct lsp_lock *lock);

#endif
