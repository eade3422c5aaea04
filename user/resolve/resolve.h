/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resolves a captured stack: its frames with names, its class, and the name of its lock. Joins
 * maps, unwind, symbol, sync and lock. The collector calls nothing below this header.
 */
#ifndef LSP_RESOLVE_RESOLVE_H
#define LSP_RESOLVE_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

struct lsp_resolver;

/* A generation with no mappings: nothing is found in it. The module never reaches this number. */
#define LSP_GENERATION_UNKNOWN UINT32_MAX

struct lsp_resolver_options {
	const char *debug_dir;	/* separate debug files; NULL for /usr/lib/debug */
	bool debuginfod;	/* ask the user's debuginfod servers */
	bool foreign_pids;	/* tgids are not the numbers in /proc, so /proc is not used */
	uint64_t begun_ns;	/* CLOCK_REALTIME of the recording's begin; 0 unknown */
	bool all_frames;	/* keep the inner frames of libraries */
	void (*warn)(void *arg, const char *sentence);	/* gets each warning once; may be NULL */
	void *warn_arg;
};

int lsp_resolver_create(const struct lsp_resolver_options *options, struct lsp_resolver **ret);
void lsp_resolver_destroy(struct lsp_resolver *r);

/*
 * The number of files that could not be opened because no descriptor was free: their code has no
 * names.
 */
size_t lsp_resolver_unopened(const struct lsp_resolver *r);

/* The number of files that were written to during the recording: their code has no names. */
size_t lsp_resolver_changed(const struct lsp_resolver *r);

/* Takes a MAP record of the module. @path is the text after it. */
int lsp_resolver_map(struct lsp_resolver *r, const struct lockspan_map *map, const char *path);

/* The same for a REMAP record. */
int lsp_resolver_remap(struct lsp_resolver *r, const struct lockspan_remap *remap, const char *path);

/*
 * Reads the mappings of a live process from /proc, as @generation. Returns -ESRCH if the process is
 * gone, or is another one.
 */
int lsp_resolver_map_proc(struct lsp_resolver *r, uint32_t tgid, uint32_t generation);

/* Whether all mappings of this process in this generation are known. */
bool lsp_resolver_mapped(const struct lsp_resolver *r, uint32_t tgid, uint32_t generation);

/*
 * Unwinds and names one captured stack. @stack is followed by its payload, and all lengths have
 * been checked. A lack of information is no error: @ret then says how the stack ended, and has at
 * least one frame, or none for END_NONE. Returns 0 or -ENOMEM. Strings and objects live as long as
 * the resolver, the frames until lsp_trace_uninit().
 */
int lsp_resolver_stack(struct lsp_resolver *r, const struct lockspan_stack *stack,
		       enum lsp_side side, struct lsp_trace *ret);

/*
 * Writes at most @max unwind rules of @stack's frames to @rules, such as the module can be taught.
 * Returns their number.
 */
size_t lsp_resolver_rules(struct lsp_resolver *r, const struct lockspan_stack *stack,
			  struct lockspan_rule *rules, size_t max);

/*
 * Returns the name of the lock at @uaddr: "counter_mu", "g_cache.shards[3].mu",
 * "libfoo.so:pool_mu". A lock on the heap or on a stack is named after the function in @trace
 * ("heap@worker_inc"), so that its name is the same in every run. Never NULL. Lives as long as the
 * resolver. @sync tells which member of a lock the word may be.
 */
const char *lsp_resolver_lock(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
			      uint64_t uaddr, enum lsp_sync sync, const struct lsp_trace *trace);

/* Whether the lock is named after its place: a variable, or a shared file. */
bool lsp_resolver_lock_is_named(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
				uint64_t uaddr);

/*
 * Returns the name of a lock whose initialisation had the stack @trace: "init@pool_create:47",
 * after the program's function and line. NULL: neither is known.
 */
const char *lsp_resolver_birth(struct lsp_resolver *r, const struct lsp_trace *trace);

#endif
