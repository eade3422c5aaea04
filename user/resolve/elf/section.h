/* SPDX-License-Identifier: GPL-2.0-only */
/* The sections of an ELF file by their names. */
#ifndef LSP_ELF_SECTION_H
#define LSP_ELF_SECTION_H

#include "file.h"

/*
 * Whether a section of this @name is the one called @want. Some linkers compress
 * under another name: .zdebug_frame for .debug_frame.
 */
bool lsp_elf_section_is(const char *name, const char *want);

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

#endif
