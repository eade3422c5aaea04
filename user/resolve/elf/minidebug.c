/* SPDX-License-Identifier: GPL-2.0-only */
/* Decompresses into memory that grows with the output, up to a limit. */
#include "minidebug.h"

#include <lzma.h>
#include <stdlib.h>

#include "section.h"

/* The limit of the output. The largest section of Fedora's programs has a few MiB. */
#define IMAGE_MAX_BYTES (64U << 20)

/* How much memory the decoder may take. xz's own highest level asks for 65 MiB. */
#define DECODER_MAX_BYTES (80ULL << 20)

#define IMAGE_FIRST_BYTES (64U << 10)

/* Makes room for more at the end of what @s has written into *@image. */
static bool room_make(lzma_stream *s, uint8_t **image)
{
	size_t written = (size_t)s->total_out, room = written ? 2 * written : IMAGE_FIRST_BYTES;
	uint8_t *grown;

	if (s->avail_out)
		return true;
	if (room > IMAGE_MAX_BYTES)
		return false;
	grown = realloc(*image, room);
	if (!grown)
		return false;
	*image = grown;
	s->next_out = grown + written;
	s->avail_out = room - written;
	return true;
}

/* Returns all that is in @packed, malloc'ed. NULL: it is damaged or too large. */
static uint8_t *unpack(const Elf_Data *packed, size_t *bytes)
{
	lzma_stream s = LZMA_STREAM_INIT;
	uint8_t *image = NULL;
	lzma_ret got = lzma_stream_decoder(&s, DECODER_MAX_BYTES, 0);

	s.next_in = packed->d_buf;
	s.avail_in = packed->d_size;
	while (got == LZMA_OK)
		got = room_make(&s, &image) ? lzma_code(&s, LZMA_FINISH) : LZMA_MEM_ERROR;
	*bytes = (size_t)s.total_out;
	lzma_end(&s);
	if (got == LZMA_STREAM_END)
		return image;
	free(image);
	return NULL;
}

/* Whether it is an ELF file of the same kind. */
static bool is_of(Elf *elf, const struct lsp_elf *e)
{
	GElf_Ehdr eh;

	return elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &eh) &&
	       eh.e_machine == e->machine && gelf_getclass(elf) == gelf_getclass(e->elf);
}

void lsp_minidebug_init(struct lsp_minidebug *m, struct lsp_elf *e)
{
	GElf_Shdr shdr;
	Elf_Data *packed = lsp_elf_section(e->elf, ".gnu_debugdata", &shdr);
	size_t bytes;

	*m = (struct lsp_minidebug){ NULL, NULL };
	if (!packed)
		return;
	m->image = unpack(packed, &bytes);
	m->elf = m->image && bytes ? elf_memory(m->image, bytes) : NULL;
	if (is_of(m->elf, e))
		return;
	lsp_minidebug_uninit(m);
	lsp_elf_warn(e->context, "%s: its .gnu_debugdata is damaged or too large:"
		     " functions that it does not export have no names", e->path);
}

void lsp_minidebug_uninit(struct lsp_minidebug *m)
{
	elf_end(m->elf);
	free(m->image);
	*m = (struct lsp_minidebug){ NULL, NULL };
}
