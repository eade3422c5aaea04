/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One opened ELF file, shared by all processes that map it. A file is known by what it is (device, inode, time of
 * change, build-id), never by its path alone: two containers may run different
 * files under one name, and a file may be replaced while it is being used.
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

/* What hangs on a file: whoever reads something of it keeps the result here. */
enum lsp_elf_keeper {
	LSP_ELF_KEEPS_SYMBOLS,
	LSP_ELF_KEEPS_CALLSITES,
	LSP_ELF_KEEPS_CFI,
	LSP_ELF_KEEPS_DEBUG,	/* the last to go: the others may point into the debug file */
	LSP_ELF_KEEPERS
};

struct lsp_elf_kept {
	void *data;
	void (*free)(void *data);	/* called with @data, NULL excepted, before the file is closed */
};

/* A PT_LOAD segment, checked: offset + filesz lies in the file, filesz <= memsz. */
struct lsp_elf_load {
	uint64_t offset;	/* in the file, bytes */
	uint64_t filesz;
	uint64_t vaddr;
	uint64_t memsz;
	bool exec;
};

struct lsp_elf {
	char *path;		/* as the process sees it; "[vdso]" for the kernel's own */
	char *name;		/* its last component, for messages and unnamed code */
	char build_id[LSP_BUILD_ID_MAX + 1]; /* lowercase hex or "" */
	uint32_t serial;	/* unique in the cache, from 0 upwards: an index */
	int fd;			/* of the file; -1 for [vdso] */
	Elf *elf;		/* never NULL; read by pread, not mapped */
	bool changed;		/* written to since it was opened; warned once */
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
	/* And as the kernel named it when it was mapped; 0: it did not. */
	uint32_t mapped_major;
	uint32_t mapped_minor;
	uint64_t mapped_ino;

	struct lsp_elf_kept kept[LSP_ELF_KEEPERS];
	struct lsp_elf_context *context;
	unsigned int refs;
	struct lsp_elf *next;
};

/*
 * A file that is open as @fd (-1: none, as of [vdso]) and @elf, both of which it takes over, also on
 * failure. @path is copied. 0, -ENOEXEC: no ELF file of this byte order; -ENOMEM.
 */
int lsp_elf_create(struct lsp_elf_context *c, const char *path, int fd, Elf *elf,
		   const struct stat *st, struct lsp_elf **ret);
void lsp_elf_destroy(struct lsp_elf *e);

/* Whether @st is of the file, and the file has not been written to since. */
bool lsp_elf_is(const struct lsp_elf *e, const struct stat *st);

/* Gives back one of the references that lsp_elf_get() gave. NULL is allowed. */
void lsp_elf_put(struct lsp_elf *e);

/* vaddr of a byte of the file, or of an address in a mapping of it. False outside every PT_LOAD. */
bool lsp_elf_offset_vaddr(const struct lsp_elf *e, uint64_t offset, uint64_t *ret);
bool lsp_elf_addr_vaddr(const struct lsp_elf *e, uint64_t map_start, uint64_t map_offset,
			uint64_t addr, uint64_t *ret);

/*
 * What must be added to a vaddr to get an address in the process (modulo
 * 2^64), from one executable mapping of the file there. Good for .bss too. (A
 * mapping of data may begin on a page that two segments share.)
 */
bool lsp_elf_bias(const struct lsp_elf *e, uint64_t map_start, uint64_t map_offset, uint64_t *ret);

/* Says that @e is damaged, once, and marks it: "FILE: WHAT, ...". */
void lsp_elf_damaged(struct lsp_elf *e, const char *what);

/* Whether the file is as it was when it was opened. Says once when it is not. */
bool lsp_elf_is_fresh(struct lsp_elf *e);

#endif
