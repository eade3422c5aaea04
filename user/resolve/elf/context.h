/* SPDX-License-Identifier: GPL-2.0-only */
/* What all files of a resolver share: its options, how a file is opened, the function that it warns, and counts. */
#ifndef LSP_ELF_CONTEXT_H
#define LSP_ELF_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_elf_context {
	char *debug_dir;
	bool debuginfod;
	bool foreign_pids;	/* tgids are not the numbers in /proc, so /proc is not used */
	uint64_t begun_ns;	/* CLOCK_REALTIME of the recording's begin; 0 unknown */
	void (*warn)(void *arg, const char *sentence); /* may be NULL */
	void *warn_arg;
	uint64_t *warned;	/* hashes of the sentences that were said already */
	size_t nwarned;
	size_t warned_room;
	size_t changed;		/* files that were written to */
	size_t unopened;	/* files that found no free descriptor */
};

void lsp_elf_context_uninit(struct lsp_elf_context *c);

/*
 * Gives one sentence, formatted as by printf, to the listener, unless it was given before. Returns
 * whether it is new.
 */
bool lsp_elf_warn(struct lsp_elf_context *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Counts the file @path as one that was written to during the recording, and says so once. */
void lsp_elf_changed_warn(struct lsp_elf_context *c, const char *path);

/*
 * Opens a file that stays open, for reading. When the soft limit of open files comes near, it is
 * raised to the hard one. Some descriptors are left for others: then the result is -1 with EMFILE.
 */
int lsp_elf_file_open(const char *path, int flags);

#endif
