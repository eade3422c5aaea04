/* SPDX-License-Identifier: GPL-2.0-only */
/* The ELF files that a resolver has opened, each once. */
#ifndef LSP_ELF_CACHE_H
#define LSP_ELF_CACHE_H

#include "file.h"

struct lsp_elf_cache;

/* What the kernel said of the file when it was mapped. */
struct lsp_elf_origin {
	const char *path;	/* as in /proc/PID/maps, " (deleted)" included */
	uint32_t tgid;		/* a process that maps it, or did so; 0 unknown */
	uint64_t start;		/* start and end of one mapping of the file there */
	uint64_t end;
	uint64_t offset;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t ino;		/* 0: unknown, so any file at the path is accepted */
	bool quiet;		/* do not warn, because this is only an early attempt */
};

struct lsp_elf_options {
	const char *debug_dir;	/* NULL for /usr/lib/debug */
	bool debuginfod;	/* ask the user's debuginfod servers, if libdebuginfod is installed */
	bool foreign_pids;	/* tgids are not the numbers in /proc, so /proc is not used */
	uint64_t begun_ns;	/* CLOCK_REALTIME of the recording's begin; 0 unknown */
	void (*warn)(void *arg, const char *sentence); /* may be NULL */
	void *warn_arg;
};

/* @options and its strings are copied. 0 or -ENOMEM. */
int lsp_elf_cache_create(const struct lsp_elf_options *options, struct lsp_elf_cache **ret);

/* Also frees files that are still referenced. NULL is allowed. */
void lsp_elf_cache_destroy(struct lsp_elf_cache *cache);

/*
 * Finds and opens the file behind a mapping. These are tried in order: the path, if the file there
 * has the device and the inode of the mapping; the live process's own mapping
 * (/proc/PID/map_files); the path below the process's root directory (/proc/PID/root); a file of
 * the same identity that is open already. For "[vdso]" it is this process's own.
 *
 * -ENOENT: no such file; -ESTALE: the file was replaced after the process started, or may have been
 * written to since it was mapped; -ENOEXEC: not an ELF file of this byte order; -ENOMEM. Each
 * refusal is warned of once per file, in one sentence.
 */
int lsp_elf_get(struct lsp_elf_cache *cache, const struct lsp_elf_origin *origin,
		struct lsp_elf **ret);

/* Opens a file by its path alone, for tests and tools. */
int lsp_elf_open(struct lsp_elf_cache *cache, const char *path, struct lsp_elf **ret);

/*
 * The number of files that were written to during the recording, so that their code has no names.
 */
size_t lsp_elf_changed(const struct lsp_elf_cache *cache);

/* The number of files that could not be opened because no descriptor was free. */
size_t lsp_elf_unopened(const struct lsp_elf_cache *cache);

#endif
