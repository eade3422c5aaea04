/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the sections of an ELF file by their names. */
#ifndef LSP_ELF_SECTION_H
#define LSP_ELF_SECTION_H

#include "file.h"

/*
 * Whether a section of this @name is the one called @want. Some linkers compress
 * under another name: .zdebug_frame for .debug_frame.
 */
bool lsp_elf_section_is(const char *name, const char *want);

/*
 * Returns the bytes of a section of @elf, decompressed. They are owned by @elf. NULL: the section
 * is absent, has no bytes or does not lie in the file.
 */
Elf_Data *lsp_elf_section(Elf *elf, const char *name, GElf_Shdr *shdr);

/*
 * Whether @elf, which is @e's or that of its debug file, has a section of this name that libelf
 * could not decompress. If so, warns of it, and that @lost is lost.
 */
bool lsp_elf_section_packed_warn(struct lsp_elf *e, Elf *elf, const char *name, const char *lost);

#endif
