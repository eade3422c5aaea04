/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One opened ELF file, shared by all processes that map it, and the debug file
 * that belongs to it. A file is known by what it is (device, inode, time of
 * change, build-id), never by its path alone: two containers may run different
 * files under one name, and a file may be replaced while it is being used.
 *
 * Nothing here is thread-safe; one resolver is used by one thread.
 */
#ifndef LSP_ELF_FILE_H
#define LSP_ELF_FILE_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct lsp_elf_cache;

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
	struct lsp_elf_cache *cache;
	unsigned int refs;
	struct lsp_elf *next;
};

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
void lsp_elf_put(struct lsp_elf *e);

/*
 * DWARF of the file: its own, else of a debug file found by build-id or by
 * .gnu_debuglink with its checksum (alternate dwz file attached). Loaded at
 * the first call; absence is remembered. Its addresses are the file's vaddrs.
 * 0 or -ENOENT; *@ret is owned by @e.
 */
int lsp_elf_dwarf(struct lsp_elf *e, Dwarf **ret);

/*
 * The ELF to read symbols from: the file when it has .symtab, else its debug
 * file when that has one, else the file when it has .dynsym or is a Go program,
 * else what lsp_elf_symtab_rest() gives.
 * *@type is SHT_SYMTAB or SHT_DYNSYM. Symbol values are the file's vaddrs. 0 or -ENOENT.
 */
int lsp_elf_symtab_elf(struct lsp_elf *e, Elf **ret, uint32_t *type);

/*
 * The ELF with the functions that .dynsym lacks, in its own .symtab: that in
 * .gnu_debugdata. NULL: there is none. Owned by @e.
 */
Elf *lsp_elf_symtab_rest(struct lsp_elf *e);

/*
 * Bytes of a section of @elf, decompressed. NULL when it is absent, has no
 * bytes or does not lie in the file. Owned by @elf.
 */
Elf_Data *lsp_elf_section(Elf *elf, const char *name, GElf_Shdr *shdr);

/*
 * If @elf, which is @e's or its debug file, has a section of this name that libelf
 * could not decompress: says so, and that @lost is the price. Whether it has one.
 */
bool lsp_elf_section_packed_warn(struct lsp_elf *e, Elf *elf, const char *name, const char *lost);

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

/* Files that were written to during the recording, so that they name nothing. */
size_t lsp_elf_changed(const struct lsp_elf_cache *cache);

/* Files that found no free descriptor when they were asked for. */
size_t lsp_elf_unopened(const struct lsp_elf_cache *cache);

/* One sentence to whoever listens; formatted as by printf. Whether it is a new one. */
bool lsp_elf_warn(struct lsp_elf_cache *cache, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
