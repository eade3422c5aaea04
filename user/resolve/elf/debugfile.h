/* SPDX-License-Identifier: GPL-2.0-only */
/* The debug information and the symbols of an ELF file, its own or those of a separate file. */
#ifndef LSP_ELF_DEBUGFILE_H
#define LSP_ELF_DEBUGFILE_H

#include <elfutils/libdw.h>

#include "file.h"

/* Returns the separate debug file of @e, or NULL. It is searched for once. */
Elf *lsp_elf_debug_elf(struct lsp_elf *e);

/*
 * The DWARF of the file: its own, or that of a debug file that is found by build-id, or by
 * .gnu_debuglink with its checksum. An alternate file (dwz) is attached. It is loaded at the first
 * call; that there is none is remembered. Its addresses are the file's vaddrs. Returns 0 or
 * -ENOENT. *@ret is owned by @e.
 */
int lsp_elf_dwarf(struct lsp_elf *e, Dwarf **ret);

/*
 * Finds the ELF to read symbols from: the file if it has .symtab, else its debug file if that has
 * .symtab, else the file if it has .dynsym or is a Go program, else what lsp_elf_symtab_rest()
 * returns. *@type is SHT_SYMTAB or SHT_DYNSYM. Symbol values are the file's vaddrs. Returns 0 or
 * -ENOENT.
 */
int lsp_elf_symtab_elf(struct lsp_elf *e, Elf **ret, uint32_t *type);

/*
 * Returns the ELF with the functions that .dynsym lacks, in its .symtab. It comes from
 * .gnu_debugdata, and is owned by @e. NULL: there is none.
 */
Elf *lsp_elf_symtab_rest(struct lsp_elf *e);

#endif
