/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One opened ELF file, which all processes that map it share. A file is identified by its device,
 * inode, time of change and build-id, never by its path alone: two containers may run different
 * files with one path, and a file may be replaced while it is used.
 *
 * Nothing here is thread-safe; one resolver is used by one thread.
 */
#ifndef LSP_ELF_FILE_H
#define LSP_ELF_FILE_H

#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "context.h"

/* Hex digits of the longest build-id that is used whole. */
#define LSP_BUILD_ID_MAX 128

/* What is kept with a file. A reader of something in the file keeps its result here. */
enum lsp_elf_keeper {
	LSP_ELF_KEEPS_SYMBOLS,
	LSP_ELF_KEEPS_CALLSITES,
	LSP_ELF_KEEPS_CFI,
	LSP_ELF_KEEPS_DEBUG,	/* freed last, because the others may point into the debug file */
	LSP_ELF_KEEPERS
};

struct lsp_elf_kept {
	void *data;
	void (*free)(void *data);	/* called with @data, unless it is NULL, before the file is closed */
};

/*
 * A PT_LOAD segment that has been checked: offset + filesz lies in the file, and filesz <= memsz.
 */
struct lsp_elf_load {
	uint64_t offset;	/* offset in the file, in bytes */
	uint64_t filesz;
	uint64_t vaddr;
	uint64_t memsz;
	bool exec;
};

struct lsp_elf {
	char *path;		/* as the process sees it; "[vdso]" for the kernel's own */
	char *name;		/* the last component of path, for messages and for code without a name */
	char build_id[LSP_BUILD_ID_MAX + 1]; /* lowercase hex or "" */
	uint32_t serial;	/* number in the cache; they start at 0 and are dense */
	int fd;			/* of the file; -1 for [vdso] */
	Elf *elf;		/* never NULL; read by pread, not mapped */
	bool changed;		/* the file was written to since it was opened; warned once */
	bool broken;		/* headers or tables are damaged; warned once */
	bool dynamic;		/* ET_DYN: vaddrs are relative to the load address */
	uint16_t machine;	/* EM_X86_64, EM_386, … */
	uint64_t entry;		/* vaddr of the first instruction, 0 none */
	struct lsp_elf_load *loads; /* in order of vaddr */
	size_t nloads;

	dev_t dev;
	ino_t ino;
	uint64_t mtime_ns;
	uint64_t bytes;
	uint32_t holder;	/* a process that had this content mapped; 0 unknown */
	/* The identity that the mapping shows; 0: unknown. */
	uint32_t mapped_major;
	uint32_t mapped_minor;
	uint64_t mapped_ino;

	struct lsp_elf_kept kept[LSP_ELF_KEEPERS];
	struct lsp_elf_context *context;
	unsigned int refs;
	struct lsp_elf *next;
};

/*
 * Makes a file of @fd (-1: none, as for [vdso]) and @elf. Takes over both, also on failure. @path
 * is copied. Returns 0, -ENOEXEC if it is no ELF file of this byte order, or -ENOMEM.
 */
int lsp_elf_create(struct lsp_elf_context *c, const char *path, int fd, Elf *elf,
		   const struct stat *st, struct lsp_elf **ret);
void lsp_elf_destroy(struct lsp_elf *e);

/* Whether @st is that of the file, and the file has not been written to since. */
bool lsp_elf_is(const struct lsp_elf *e, const struct stat *st);

/* Drops one reference that lsp_elf_get() gave. NULL is allowed. */
void lsp_elf_put(struct lsp_elf *e);

/*
 * Finds the vaddr of a byte of the file, or of an address in a mapping of it. Returns false outside
 * every PT_LOAD.
 */
bool lsp_elf_offset_vaddr(const struct lsp_elf *e, uint64_t offset, uint64_t *ret);
bool lsp_elf_addr_vaddr(const struct lsp_elf *e, uint64_t map_start, uint64_t map_offset,
			uint64_t addr, uint64_t *ret);

/*
 * Computes what must be added to a vaddr to get the address in the process (modulo 2^64), from one
 * executable mapping of the file there. It holds for .bss, too. A mapping of data would not do,
 * because it may begin on a page that two segments share.
 */
bool lsp_elf_bias(const struct lsp_elf *e, uint64_t map_start, uint64_t map_offset, uint64_t *ret);

/* Warns once that @e is damaged ("FILE: WHAT, ..."), and marks it. */
void lsp_elf_damaged(struct lsp_elf *e, const char *what);

/* Whether the file is as it was when it was opened. Warns once if it is not. */
bool lsp_elf_is_fresh(struct lsp_elf *e);

#endif
