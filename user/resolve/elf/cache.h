/* SPDX-License-Identifier: GPL-2.0-only */
/* The set of files that a resolver has opened; private to file.c and debugfile.c. */
#ifndef LSP_ELF_CACHE_H
#define LSP_ELF_CACHE_H

#include "file.h"

#define LSP_ELF_BUCKETS 1024

struct lsp_elf_cache {
	struct lsp_elf *elves[LSP_ELF_BUCKETS];	/* by inode */
	uint32_t count;
	struct lsp_elf *vdso;
	char *debug_dir;
	bool debuginfod;
	void (*warn)(void *arg, const char *sentence);
	void *warn_arg;
	uint64_t *warned;	/* hashes of the sentences said already */
	size_t nwarned;
	bool foreign_pids;
	uint64_t begun_ns;
	size_t changed;		/* files that were written to */
	size_t unopened;	/* files that found no free descriptor */
};

static inline size_t lsp_elf_hash(uint64_t ino)
{
	return (size_t)((ino * 0x9e3779b97f4a7c15ULL) >> 32) % LSP_ELF_BUCKETS;
}

/*
 * open() for reading a file that stays open. Raises the soft limit of open files
 * to the hard one when it comes near, and leaves some for others: -1 and EMFILE.
 */
int lsp_elf_file_open(const char *path, int flags);

static inline bool lsp_elf_is_origin(const struct lsp_elf_origin *o, uint32_t major, uint32_t minor,
				     uint64_t ino)
{
	return o->ino == ino && o->dev_major == major && o->dev_minor == minor;
}

/* Whether the process still has that very mapping; then map_files leads to its file, deleted or not. */
bool lsp_elf_still_mapped(const struct lsp_elf_origin *o);

/* Closes every file of the cache; in file.c. */
void lsp_elf_free_all(struct lsp_elf_cache *cache);

#endif
