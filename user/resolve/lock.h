/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the names of locks, the same in every run of the same program: by the symbol and the type of the
 * variable, or else by where the lock lies and who uses it.
 */
#ifndef LSP_RESOLVE_LOCK_H
#define LSP_RESOLVE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "elf/file.h"
#include "trace.h"
#include "symbol/symbol.h"

enum lsp_region {
	LSP_REGION_UNKNOWN,
	LSP_REGION_STATIC,	/* a file's data or its .bss: @elf, @vaddr, @main */
	LSP_REGION_HEAP,	/* [heap] or private anonymous memory */
	LSP_REGION_STACK,	/* the stack of any thread */
	LSP_REGION_SHARED,	/* a shared mapping: @path and @offset */
	LSP_REGION_NAMELESS,	/* a shared mapping of no file: all such mappings have the same path */
};

/* Where a lock lies. */
struct lsp_place {
	enum lsp_region region;
	struct lsp_elf *elf;
	uint64_t vaddr;
	bool main;		/* @elf is the program itself: no prefix */
	const char *path;	/* as in the maps; "" anonymous */
	uint64_t offset;	/* in the file, bytes */
};

/*
 * Returns the name of the lock at @place. A variable: "counter_mu", "g_cache.shards[3].mu",
 * "worker()::mu", "libfoo.so:pool_mu"; "table+0x28" if its type is not known; "libfoo.so+0x4040" if
 * it has no symbol. Elsewhere: "heap@worker_inc", "stack@main", "shared@main",
 * "/dev/shm/pool+0x40". The word of a join that lies in no variable is "thread@main", wherever the
 * descriptor of its thread lies.
 *
 * @trace, which may be NULL, is that of the wait, without the library's inner frames. @sync tells
 * what kind of lock the word may belong to. Never NULL; "?" if there is no memory.
 */
const char *lsp_lock_name(struct lsp_symbols *s, const struct lsp_place *place,
			  enum lsp_sync sync, const struct lsp_trace *trace);

/*
 * Returns "init@pool_create:47", after the function of the program in @trace that initialised the
 * lock. NULL: there is none.
 */
const char *lsp_lock_birth_name(struct lsp_symbols *s, const struct lsp_trace *trace);

#endif
