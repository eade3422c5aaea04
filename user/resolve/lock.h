/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for locks, the same in every run of the same program: from the symbol
 * and the type of the variable, else from where it lies and who uses it.
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
	LSP_REGION_STACK,	/* of any thread */
	LSP_REGION_SHARED,	/* a shared mapping: @path and @offset */
	LSP_REGION_NAMELESS,	/* a shared mapping of no file: its name tells nothing apart */
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
 * "counter_mu", "g_cache.shards[3].mu", "worker()::mu", "libfoo.so:pool_mu";
 * without the variable's type "table+0x28"; "libfoo.so+0x4040" without its
 * symbol; "heap@worker_inc", "stack@main", "shared@main", "/dev/shm/pool+0x40" elsewhere.
 * The word of a join in no variable is "thread@main", wherever its thread's descriptor lies.
 * @trace (boundary applied, may be NULL) is whose wait it was; @sync tells what
 * primitive the word may belong to. Never NULL; "?" when memory is short.
 */
const char *lsp_lock_name(struct lsp_symbols *s, const struct lsp_place *place,
			  enum lsp_sync sync, const struct lsp_trace *trace);

/* "init@pool_create:47": by the program's function in @trace that initialised the lock; NULL: none. */
const char *lsp_lock_birth_name(struct lsp_symbols *s, const struct lsp_trace *trace);

#endif
