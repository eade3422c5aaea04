/* SPDX-License-Identifier: GPL-2.0-only */
/* What else tells of an ELF file: its debug information and symbols, its own or of a separate file. */
#ifndef LSP_ELF_DEBUGFILE_H
#define LSP_ELF_DEBUGFILE_H

#include <elfutils/libdw.h>

#include "file.h"

/* The separate debug file of @e, or NULL; searched for once. */
Elf *lsp_elf_debug_elf(struct lsp_elf *e);

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

#endif
