/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps what is known of the lock of each key: the class, which the waits on the lock show, and the
 * names that the lock was given. resolve/lock.h makes these names. A variable's name is valid only
 * in the mappings that it was found in, because another library can be mapped at the same address
 * later. So there is one name for each generation. A lock that is no variable is named by the stack
 * that has waited most when the name is first needed. So waiters and releasers agree on the name,
 * and so do repeated runs. Locks that have not been met for long can be forgotten; they are named
 * anew when they are met again.
 */
#ifndef LSP_COLLECT_LOCKS_H
#define LSP_COLLECT_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"
#include "../capture/span.h"
#include "../base/intern.h"
#include "../resolve/trace.h"

/* The mappings in which an address is to be looked up. */
struct lsp_lock_home {
	uint32_t tgid;
	uint32_t generation;
	bool known;
};

struct lsp_lock {
	uint64_t key;
	uint64_t uaddr;		/* in process owner */
	uint32_t owner;
	struct lsp_lock_home home; /* generation of the latest event that has one */
	uint32_t bare;		/* place of the name for a lock that is no variable, or LSP_INDEX_NONE */
	uint32_t name;		/* place of the name given last, or LSP_INDEX_NONE */
	uint32_t told;		/* place of the name that the span file has first, or LSP_INDEX_NONE */
	bool renamed;		/* the variables that were at its address had several names */
	bool shared;		/* shared between processes: it has one name, from whichever process that comes */
	uint32_t trace;		/* trace of the stack that has waited most, or LSP_INDEX_NONE */
	double trace_ns;	/* how long that stack waited in one fold */
	uint64_t early_ns;	/* time of the first fold that left its releases to a later one, or 0 */
	bool native;		/* a lock of the C library's: its word is the lock */
	bool not_own;		/* its word is not taken for a thread's own: it has had two waiters at once, or no stacks */
	bool tracked;		/* rows are kept by its key until its role is known */
	uint32_t noted;		/* events that have been noted one by one */
	bool used;		/* the lock was met since the last compaction */
	enum lsp_sync first;	/* the class that was known first, OTHER before */
	float classes[LSP_SYNC_COUNT];	/* waits of each class, by weight */
};

/* What the mappings of one generation make of a lock's address. */
struct lsp_lock_naming {
	uint64_t key;
	uint32_t tgid;
	uint32_t generation;
	uint32_t name;
	uint32_t zero;
};

struct lsp_locks {
	struct lsp_lock *locks;
	size_t n;
	size_t room;
	struct lsp_index index;
	bool forgotten;		/* some of the names that are in the span file */
	struct lsp_lock_naming *namings; /* a cache: emptied when it is full */
	size_t nnamings;
	size_t namings_room;
	struct lsp_index namings_index;
	struct lsp_intern names;
	double *name_wait_ns;	/* lock wait by name, for as many names as there is room */
	size_t name_wait_room;
};

/* All zero is an empty set. */
void lsp_locks_uninit(struct lsp_locks *l);

/* Returns the lock of @key, and makes it if needed. NULL: no memory. Valid until the next call. */
struct lsp_lock *lsp_locks_at(struct lsp_locks *l, uint64_t key);

/* The same, but returns NULL if the lock does not exist. */
const struct lsp_lock *lsp_locks_find(const struct lsp_locks *l, uint64_t key);

/* Forgets the locks that were not met since the last call. -ENOMEM leaves all locks as they were. */
int lsp_locks_compact(struct lsp_locks *l);

/* Writes the place of @name among the names to *@ret. Returns 0 or -ENOMEM. */
int lsp_locks_name(struct lsp_locks *l, const char *name, uint32_t *ret);

/* The name that the lock of @key was given for @home; LSP_INDEX_NONE: none yet. And gives it one: 0 or -ENOMEM. */
uint32_t lsp_locks_named(const struct lsp_locks *l, uint64_t key, const struct lsp_lock_home *home);
int lsp_locks_named_put(struct lsp_locks *l, uint64_t key, const struct lsp_lock_home *home,
			uint32_t name);

/* Notes that locks of the name at @name were waited for; top gives the place of the name with most, or NONE. */
void lsp_locks_wait_add(struct lsp_locks *l, uint32_t name, double wait_ns);
uint32_t lsp_locks_top(const struct lsp_locks *l, double *wait_ns_ret);

/* @count waits of @wait_ns together were made on the lock, by the stack at @trace. */
void lsp_lock_wait_add(struct lsp_lock *lock, enum lsp_sync sync, uint32_t trace, double count,
		       double wait_ns);

/* The class of most waits on the lock; OTHER when no wait has a known class. */
enum lsp_sync lsp_lock_class(const struct lsp_lock *lock);

/* Returns the class other than OTHER that has most of @classes, an array of LSP_SYNC_COUNT numbers; OTHER if all are 0. */
enum lsp_sync lsp_sync_most(const float *classes);

#endif
