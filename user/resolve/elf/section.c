/* SPDX-License-Identifier: GPL-2.0-only */
#include "section.h"

#include <string.h>

/* From the ELF specification. The oldest elf.h with which this is built lacks it. */
#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

static Elf_Data *uncompressed(Elf_Scn *scn, const char *name, GElf_Shdr *shdr)
{
	if ((shdr->sh_flags & SHF_COMPRESSED) &&
	    (elf_compress(scn, 0, 0) < 0 || !gelf_getshdr(scn, shdr)))
		return NULL;
	if (!strncmp(name, ".zdebug", 7) && elf_compress_gnu(scn, 0, 0) < 0)
		return NULL;
	return elf_rawdata(scn, NULL);
}

bool lsp_elf_section_is(const char *name, const char *want)
{
	return !strcmp(name, want) ||
	       (!strncmp(name, ".zdebug", 7) && !strncmp(want, ".debug", 6) &&
		!strcmp(name + 2, want + 1));
}

Elf_Data *lsp_elf_section(Elf *elf, const char *name, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *s;

		if (!gelf_getshdr(scn, shdr))
			continue;
		s = elf_strptr(elf, names, shdr->sh_name);
		if (!s || !lsp_elf_section_is(s, name) || shdr->sh_type == SHT_NOBITS)
			continue;
		data = uncompressed(scn, s, shdr);
		if (data && data->d_buf && data->d_size)
			return data;
	}
	return NULL;
}

bool lsp_elf_section_packed_warn(struct lsp_elf *e, Elf *elf, const char *name, const char *lost)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Chdr ch;
	GElf_Shdr sh;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (!s || !(sh.sh_flags & SHF_COMPRESSED) || strcmp(s, name))
			continue;
		lsp_elf_warn(e->context, "%s: its debug information (%s) cannot be decompressed%s: %s",
			     e->path, name, gelf_getchdr(scn, &ch) && ch.ch_type == ELFCOMPRESS_ZSTD ?
			     ", it is zstd's, which needs elfutils 0.189 or later" : "", lost);
		return true;
	}
	return false;
}
