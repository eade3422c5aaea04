/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All offsets in the table are checked where they are used, so none leads out of the section. The table is
 * described by Go's own reader, debug/gosym, and by the runtime's symtab.go.
 */
#include "gopcln.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "section.h"

/* No program has more functions. */
#define FUNCS_MAX (1U << 26)

/*
 * Offsets in struct moduledata in runtime/symtab.go of Go 1.26: it begins with a pointer, six
 * slices, one pointer and two addresses.
 */
#define MODULE_TEXT (8 + 6 * 24 + 3 * 8)

struct layout {
	uint32_t magic;
	unsigned int names, pcs, funcs;	/* numbers of the words in the header that tell where these parts begin */
	unsigned int text;		/* and where the text begins; 0: functions have addresses */
	unsigned int width;
};

static const struct layout layouts[] = {
	{ .magic = 0xfffffff1, .text = 2, .names = 3, .pcs = 6, .funcs = 7, .width = 4 },	/* 1.20 */
	{ .magic = 0xfffffff0, .text = 2, .names = 3, .pcs = 6, .funcs = 7, .width = 4 },	/* 1.18 */
	{ .magic = 0xfffffffa, .names = 2, .pcs = 5, .funcs = 6, .width = 8 },			/* 1.16 */
	{ .magic = 0xfffffffb, .width = 8 },							/* 1.2 */
};

/*
 * Functions that leave one stack for another, or that nothing calls. The function to which a signal returns is
 * not among them, because the kernel has put its frame there.
 */
static const char *const roots[] = {
	"runtime.asmcgocall", "runtime.cgocallback", "runtime.goexit", "runtime.gogo",
	"runtime.mcall", "runtime.morestack", "runtime.mstart", "runtime.rt0_go", "runtime.systemstack",
};

/* Reads a number of @width bytes at @at. Returns false outside the table. */
static bool number(const struct lsp_gopcln *t, uint64_t at, unsigned int width, uint64_t *ret)
{
	struct lsp_leb in = { t->data, t->data + t->bytes, false };

	if (at > t->bytes)
		return false;
	in.at += at;
	*ret = lsp_leb_fixed(&in, width);
	return !in.bad;
}

static bool header_word(const struct lsp_gopcln *t, unsigned int i, uint64_t *ret)
{
	return number(t, 8 + 8ULL * i, 8, ret);
}

/* Reads a word of the header that tells where a part begins. */
static bool part(const struct lsp_gopcln *t, unsigned int i, size_t *ret)
{
	uint64_t at;

	if (!header_word(t, i, &at) || at > t->bytes)
		return false;
	*ret = at;
	return true;
}

static const struct layout *layout_find(const struct lsp_gopcln *t)
{
	uint64_t magic, rest;
	size_t i;

	/* behind the magic: two zeros, bytes of the shortest instruction, bytes of a pointer */
	if (!number(t, 0, 4, &magic) || !number(t, 4, 4, &rest) || rest != 0x08010000)
		return NULL;
	for (i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (layouts[i].magic == magic)
			return &layouts[i];
	return NULL;
}

/* Returns what the loader puts at @vaddr of a position-independent program; 0: nothing. */
static uint64_t relocated(Elf *elf, uint64_t vaddr)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	GElf_Rela rela;

	while ((scn = elf_nextscn(elf, scn))) {
		Elf_Data *d;
		int i, n;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_RELA || !sh.sh_entsize)
			continue;
		d = elf_getdata(scn, NULL);
		n = d ? (int)(d->d_size / sh.sh_entsize) : 0;
		for (i = 0; i < n && gelf_getrela(d, i, &rela); i++)
			if (rela.r_offset == vaddr && GELF_R_TYPE(rela.r_info) == R_X86_64_RELATIVE)
				return (uint64_t)rela.r_addend;
	}
	return 0;
}

/*
 * Returns the pointer at @at of the section @name, which the linker has put there or the loader
 * will; 0: neither.
 */
static uint64_t pointer_at(Elf *elf, const char *name, uint64_t at)
{
	uint64_t word = 0;
	GElf_Shdr sh;
	Elf_Data *d = lsp_elf_section(elf, name, &sh);
	struct lsp_gopcln bytes;

	if (!d)
		return 0;
	bytes = (struct lsp_gopcln){ .data = d->d_buf, .bytes = d->d_size };
	return number(&bytes, at, 8, &word) && word ? word : relocated(elf, sh.sh_addr + at);
}

/*
 * Finds where the text begins. Up to Go 1.25 the header has it, or the loader puts it there. From 1.26 on it is
 * in the runtime's description of the module, which begins with the table's address. Go's own linker begins
 * .text with it, the C compiler's linker puts its start files before it. @vaddr is that of the table.
 */
static uint64_t text_find(const struct lsp_gopcln *t, const struct layout *l, Elf *elf,
			  uint64_t vaddr)
{
	uint64_t text = 0;
	GElf_Shdr sh;

	if (!l->text)
		return 0;
	if (header_word(t, l->text, &text) && !text)
		text = relocated(elf, vaddr + 8 + 8ULL * l->text);
	if (!text && pointer_at(elf, ".go.module", 0) == vaddr)
		text = pointer_at(elf, ".go.module", MODULE_TEXT);
	if (!text && lsp_elf_section(elf, ".text", &sh))
		text = sh.sh_addr;
	return text;
}

/* Reads the header at t->data, which lies at @vaddr. */
static bool header_read(struct lsp_gopcln *t, Elf *elf, uint64_t vaddr)
{
	const struct layout *l = layout_find(t);
	uint64_t n;

	if (!l || !header_word(t, 0, &n) || !n || n > FUNCS_MAX)
		return false;
	t->nfuncs = n;
	t->width = l->width;
	t->funcs = 16;
	if (l->funcs && !(part(t, l->names, &t->names) && part(t, l->pcs, &t->pcs) &&
			  part(t, l->funcs, &t->funcs)))
		return false;
	t->text = text_find(t, l, elf, vaddr);
	return true;
}

int lsp_gopcln_init(struct lsp_gopcln *t, Elf *elf)
{
	/* the third is where the C compiler's linker puts it in a position-independent program */
	static const char *const sections[] = { ".gopclntab", ".data.rel.ro.gopclntab", ".data.rel.ro" };
	struct lsp_gopcln_func first;
	GElf_Shdr sh;
	size_t i, at;

	for (i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		Elf_Data *d = lsp_elf_section(elf, sections[i], &sh);

		/* it is aligned to 32 bytes; in the last one others lie before it */
		for (at = 0; d && at < d->d_size && (i == 2 || !at); at += 32) {
			*t = (struct lsp_gopcln){ .data = (const uint8_t *)d->d_buf + at,
						  .bytes = d->d_size - at };
			if (header_read(t, elf, sh.sh_addr + at) && lsp_gopcln_func(t, 0, &first))
				return 0;
		}
	}
	return -ENOENT;
}

static const char *name_at(const struct lsp_gopcln *t, uint64_t at)
{
	return at < t->bytes && memchr(t->data + at, 0, t->bytes - at) ? (const char *)t->data + at : NULL;
}

/* A function may be in the table twice: the one with ".abi0" takes its arguments from the stack. */
static bool is_root(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		size_t n = strlen(roots[i]);

		if (!strncmp(name, roots[i], n) && (!name[n] || !strcmp(name + n, ".abi0")))
			return true;
	}
	return false;
}

bool lsp_gopcln_func(const struct lsp_gopcln *t, size_t i, struct lsp_gopcln_func *ret)
{
	uint64_t at = t->funcs + 2ULL * t->width * i, start, record, end, name, stack;
	/* in the 1.2 layout everything is counted from the table's beginning */
	uint64_t base = t->names ? t->funcs : 0;

	if (!number(t, at, t->width, &start) || !number(t, at + t->width, t->width, &record) ||
	    !number(t, at + 2ULL * t->width, t->width, &end) || record > t->bytes)
		return false;
	/* the record: its start again, then 32-bit numbers: name, arguments, deferreturn, stack */
	record += base + t->width;
	if (!number(t, record, 4, &name) || !number(t, record + 12, 4, &stack) ||
	    stack > t->bytes - t->pcs)
		return false;
	*ret = (struct lsp_gopcln_func){ .start = t->text + start, .end = t->text + end,
					 .name = name_at(t, t->names + name) };
	if (!ret->name || ret->start >= ret->end)
		return false;
	ret->root = is_root(ret->name);
	/* 0: a function in assembly of which nothing is known */
	if (stack && !ret->root)
		ret->stack = (struct lsp_leb){ t->data + t->pcs + stack, t->data + t->bytes, false };
	return true;
}
