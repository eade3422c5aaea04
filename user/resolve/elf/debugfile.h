/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file with the debug information of an ELF file. lsp_elf_dwarf() and
 * lsp_elf_symtab_elf() of file.h are its public face.
 */
#ifndef LSP_ELF_DEBUGFILE_H
#define LSP_ELF_DEBUGFILE_H

#include "file.h"

/* The separate debug file of @e, or NULL; searched for once. */
Elf *lsp_elf_debug_elf(struct lsp_elf *e);

#endif
