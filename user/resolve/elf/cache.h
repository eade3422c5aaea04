/* SPDX-License-Identifier: GPL-2.0-only */
/* The set of files that a resolver has opened. */
#ifndef LSP_ELF_CACHE_H
#define LSP_ELF_CACHE_H

#include "file.h"

struct lsp_elf_cache;

/* What the kernel said of the file when it was mapped. */
struct lsp_elf_origin {
	const char *path;	/* as in /proc/PID/maps, " (deleted)" included */
	uint32_t tgid;		/* a process that maps it, perhaps gone; 0 unknown */
	uint64_t start;		/* of one mapping of it there */
	uint64_t end;
	uint64_t offset;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t ino;		/* 0: unknown, accept what the path leads to */
	bool quiet;		/* do not warn: it is only tried early */
};

struct lsp_elf_options {
	const char *debug_dir;	/* NULL for /usr/lib/debug */
	bool debuginfod;	/* ask the user's servers, where libdebuginfod is there */
	bool foreign_pids;	/* tgids are not those of /proc, which is not asked */
	uint64_t begun_ns;	/* CLOCK_REALTIME of the recording's begin; 0 unknown */
	void (*warn)(void *arg, const char *sentence); /* may be NULL */
	void *warn_arg;
};

/* @options and its strings are copied. 0 or -ENOMEM. */
int lsp_elf_cache_create(const struct lsp_elf_options *options, struct lsp_elf_cache **ret);

/* Also frees files that are still referenced. NULL is allowed. */
void lsp_elf_cache_destroy(struct lsp_elf_cache *cache);

/*
 * The file behind a mapping. Tried in order: the path when what is there has
 * the device and the inode of the mapping, the live process's own mapping
 * (/proc/PID/map_files), the path below its root directory (/proc/PID/root), a
 * file of the same identity that is open already. "[vdso]" gives this
 * process's own. -ENOENT: no such file; -ESTALE: FILE was replaced after the
 * process started, or may have been written to since it was mapped; -ENOEXEC: not an ELF file of this byte order; -ENOMEM.
 * Each refusal is warned of once per file, in one sentence.
 */
int lsp_elf_get(struct lsp_elf_cache *cache, const struct lsp_elf_origin *origin,
		struct lsp_elf **ret);

/* A plain file, for tests and tools. */
int lsp_elf_open(struct lsp_elf_cache *cache, const char *path, struct lsp_elf **ret);

/* Files that were written to during the recording, so that they name nothing. */
size_t lsp_elf_changed(const struct lsp_elf_cache *cache);

/* Files that found no free descriptor when they were asked for. */
size_t lsp_elf_unopened(const struct lsp_elf_cache *cache);

#endif
