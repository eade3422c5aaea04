/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a captured stack to named frames, the class and the name of
 * the lock. Joins maps, unwind, symbol, sync and lock; the collector calls
 * nothing below this header.
 */
#ifndef LSP_RESOLVE_RESOLVE_H
#define LSP_RESOLVE_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

struct lsp_resolver;

/* Names no mappings: what is looked up in them is not found. The module does not get so far. */
#define LSP_GENERATION_UNKNOWN UINT32_MAX

struct lsp_resolver_options {
	const char *debug_dir;	/* separate debug files; NULL for /usr/lib/debug */
	bool debuginfod;	/* ask the user's servers */
	bool foreign_pids;	/* tgids are not those of /proc, which is not asked */
	uint64_t begun_ns;	/* CLOCK_REALTIME of the recording's begin; 0 unknown */
	bool all_frames;	/* keep library-internal frames */
	void (*warn)(void *arg, const char *sentence);	/* each named once; may be NULL */
	void *warn_arg;
};

int lsp_resolver_create(const struct lsp_resolver_options *options, struct lsp_resolver **ret);
void lsp_resolver_destroy(struct lsp_resolver *r);

/* Files that found no free descriptor: the code in them has no names. */
size_t lsp_resolver_unopened(const struct lsp_resolver *r);

/* Files that were written to during the recording: the code in them has no names. */
size_t lsp_resolver_changed(const struct lsp_resolver *r);

/* A MAP record of the module. @path is the text behind it. */
int lsp_resolver_map(struct lsp_resolver *r, const struct lockspan_map *map, const char *path);

/* The same of a REMAP record. */
int lsp_resolver_remap(struct lsp_resolver *r, const struct lockspan_remap *remap, const char *path);

/* The mappings of a live process as /proc has them now, as @generation. -ESRCH: it is gone or foreign. */
int lsp_resolver_map_proc(struct lsp_resolver *r, uint32_t tgid, uint32_t generation);

/* Whether this process's mappings of this generation are known (and whole). */
bool lsp_resolver_mapped(const struct lsp_resolver *r, uint32_t tgid, uint32_t generation);

/*
 * Unwinds and names one captured stack. @stack is followed by its payload;
 * lengths have been checked. Never fails for lack of information: @ret then
 * says how it ended and holds at least one frame, or none for END_NONE. 0 or
 * -ENOMEM. Strings and objects live as long as the resolver; the frames until
 * lsp_trace_uninit().
 */
int lsp_resolver_stack(struct lsp_resolver *r, const struct lockspan_stack *stack,
		       enum lsp_side side, struct lsp_trace *ret);

/*
 * The unwind rules of @stack's frames that the module can be taught, at most
 * @max to @rules. Their number.
 */
size_t lsp_resolver_rules(struct lsp_resolver *r, const struct lockspan_stack *stack,
			  struct lockspan_rule *rules, size_t max);

/*
 * The name of the lock at @uaddr: "counter_mu", "g_cache.shards[3].mu",
 * "libfoo.so:pool_mu"; for a heap or stack lock a name stable across runs taken
 * from @trace ("heap@worker_inc+lock"); always something. Lives as long as the
 * resolver. @sync tells which member of a primitive the word may be.
 */
const char *lsp_resolver_lock(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
			      uint64_t uaddr, enum lsp_sync sync, const struct lsp_trace *trace);

/* Whether the place of the lock gives it a name: a variable's, or a shared file's. */
bool lsp_resolver_lock_is_named(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
				uint64_t uaddr);

/*
 * The name of a lock whose initialisation had the stack @trace: "init@pool_create:47",
 * by the program's function and line. NULL: none of them is known.
 */
const char *lsp_resolver_birth(struct lsp_resolver *r, const struct lsp_trace *trace);

#endif
