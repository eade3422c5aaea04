/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks by their keys: what kind of primitive the waits on each show it to be,
 * and its name. The name is that of the stack that has waited most when it is
 * first needed, so that waiters and releasers, and one run and the next, agree
 * on it. Locks come and go with what they are part of: those that have not been
 * met for long can be forgotten, and would be named anew.
 */
#ifndef LSP_COLLECT_LOCKS_H
#define LSP_COLLECT_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"
#include "../capture/span.h"
#include "../base/strings.h"
#include "../resolve/resolve.h"

struct lsp_lock {
	uint64_t key;
	uint64_t uaddr;		/* in process owner */
	uint32_t owner;
	uint32_t generation;
	uint32_t name;		/* place in names, or LSP_INDEX_NONE */
	uint32_t trace;		/* of the stack that has waited most, or LSP_INDEX_NONE */
	double trace_ns;	/* how long, in one fold */
	bool used;		/* since the last compaction */
	enum lsp_sync first;	/* the class when it could first be told, OTHER before */
	float classes[LSP_SYNC_COUNT];	/* waits of each class, by weight */
};

struct lsp_locks {
	struct lsp_lock *locks;
	size_t n;
	size_t room;
	struct lsp_index index;
	struct lsp_strings names;
	double *name_wait_ns;	/* lock wait by name; as many as there is room for */
	size_t name_wait_room;
};

/* All zero is an empty set. */
void lsp_locks_uninit(struct lsp_locks *l);

/* The lock of @key, made if need be. NULL: no memory. Valid until the next call. */
struct lsp_lock *lsp_locks_at(struct lsp_locks *l, uint64_t key);

/* The same, but NULL when it is not there. */
const struct lsp_lock *lsp_locks_find(const struct lsp_locks *l, uint64_t key);

/* Forgets those that were not met since the last time. -ENOMEM leaves all as it was. */
int lsp_locks_compact(struct lsp_locks *l);

/* Gives the lock its name. 0 or -ENOMEM. */
int lsp_locks_name(struct lsp_locks *l, struct lsp_lock *lock, const char *name);

/* Notes that locks of the name at @name were waited for; top gives the place of the name with most, or NONE. */
void lsp_locks_wait_add(struct lsp_locks *l, uint32_t name, double wait_ns);
uint32_t lsp_locks_top(const struct lsp_locks *l, double *wait_ns_ret);

/* @count waits of @wait_ns together were made on the lock, by the stack at @trace. */
void lsp_lock_wait_add(struct lsp_lock *lock, enum lsp_sync sync, uint32_t trace, double count,
		       double wait_ns);

/* The class that most waits on it are of; OTHER when there are none that tell. */
enum lsp_sync lsp_lock_class(const struct lsp_lock *lock);

#endif
