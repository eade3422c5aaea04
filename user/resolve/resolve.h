/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a captured stack to named frames, the kind of primitive and the name of
 * the lock. Joins maps, unwind, symbol, sync and lock; the collector calls
 * nothing below this header.
 */
#ifndef LSP_RESOLVE_RESOLVE_H
#define LSP_RESOLVE_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/span.h"

struct lsp_resolver;

/* Names no mappings: what is looked up in them is not found. The module does not get so far. */
#define LSP_GENERATION_UNKNOWN UINT32_MAX

/* How a stack ended. */
#define LSP_ENDS(X)				\
	X(COMPLETE, "complete")			/* at a frame whose CFI says it is the outermost */ \
	X(TRUNCATED, "truncated")		/* the snapshot ended first */ \
	X(NO_CFI, "no_cfi")			/* no unwind information and no fallback */ \
	X(NO_MAP, "no_map")			/* an address outside every known mapping */ \
	X(BAD, "bad")				/* the chain made no sense */ \
	X(NONE, "none")				/* nothing was captured */
#define LSP_ENUM_END(id, name) LSP_END_##id,
enum lsp_end { LSP_ENDS(LSP_ENUM_END) LSP_END_COUNT };
const char *lsp_end_name(unsigned int end);

/* A mapped file (or region) in one process. */
struct lsp_object {
	const char *path;	/* as the process sees it; "[vdso]", "//anon", … */
	const char *build_id;	/* lowercase hex or "" */
	uint64_t start;		/* of the executable mapping */
	uint64_t end;
	uint64_t offset;
	bool symbolised;	/* the file had a symbol table of some kind */
};

struct lsp_line {
	const char *function;	/* demangled; "libc.so.6+0x8a1b0" where no symbol covers it */
	const char *linkage;	/* as the linker knows it */
	const char *file;	/* absolute or "" */
	uint32_t line;
	uint32_t start_line;
};

struct lsp_frame {
	uint64_t pc;		/* inside the call: return address - 1, also the leaf's */
	const struct lsp_object *object;	/* NULL outside every mapping */
	const struct lsp_line *lines;		/* innermost inlined first, at least one */
	size_t nlines;
	bool guessed;		/* came from a frame pointer or another fallback, not from CFI */
};

struct lsp_trace {
	struct lsp_frame *frames;	/* leaf first, boundary already applied: frames[0] is pthread_mutex_lock or its like */
	size_t nframes;
	enum lsp_end end;
	enum lsp_sync sync;
	size_t hidden;		/* library-internal frames cut from the leaf */
};

/* What a stack was taken for: decides the boundary (lock or unlock). */
enum lsp_side { LSP_SIDE_WAITER, LSP_SIDE_RELEASER };

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
void lsp_trace_uninit(struct lsp_trace *t);

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
