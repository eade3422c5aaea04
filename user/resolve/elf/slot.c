/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the relocations that apply to .got and .got.plt. */
#include "slot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../base/index.h"
#include "section.h"

struct slot {
	uint64_t vaddr;
	const char *name;
	uint64_t target;
};

struct lsp_slots {
	struct slot *slots;
	size_t n;
	size_t room;
	uint64_t got[2][2];	/* start and end */
};

static bool in_got(const struct lsp_slots *s, uint64_t vaddr)
{
	return vaddr - s->got[0][0] < s->got[0][1] - s->got[0][0] ||
	       vaddr - s->got[1][0] < s->got[1][1] - s->got[1][0];
}

static int slot_add(struct lsp_slots *s, const struct slot *slot)
{
	if (lsp_array_grow(&s->slots, &s->room, s->n, sizeof(*s->slots)))
		return -ENOMEM;
	s->slots[s->n++] = *slot;
	return 0;
}

static int relocation_read(struct lsp_slots *s, Elf *elf, Elf_Data *symbols, size_t strings,
			   const GElf_Rela *r)
{
	struct slot slot = { .vaddr = r->r_offset };
	GElf_Sym sym;

	if (!in_got(s, r->r_offset))
		return 0;
	switch (GELF_R_TYPE(r->r_info)) {
	case R_X86_64_RELATIVE:
		slot.target = (uint64_t)r->r_addend;
		return slot_add(s, &slot);
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
		if (!symbols || !gelf_getsym(symbols, (int)GELF_R_SYM(r->r_info), &sym))
			return 0;
		slot.name = elf_strptr(elf, strings, sym.st_name);
		return slot.name && *slot.name ? slot_add(s, &slot) : 0;
	default:
		return 0;
	}
}

static int section_read(struct lsp_slots *s, Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(scn, NULL), *symbols = NULL;
	Elf_Scn *table = elf_getscn(elf, shdr->sh_link);
	GElf_Shdr table_shdr = { .sh_link = 0 };
	size_t i, n;
	int err = 0;

	if (table && gelf_getshdr(table, &table_shdr) && table_shdr.sh_type == SHT_DYNSYM)
		symbols = elf_getdata(table, NULL);
	n = data && shdr->sh_entsize ? data->d_size / shdr->sh_entsize : 0;
	for (i = 0; !err && i < n && i < INT32_MAX; i++) {
		GElf_Rela r;

		if (gelf_getrela(data, (int)i, &r))
			err = relocation_read(s, elf, symbols, table_shdr.sh_link, &r);
	}
	return err;
}

static int slot_compare(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static void got_find(struct lsp_slots *s, Elf *elf)
{
	static const char *const names[] = { ".got", ".got.plt" };
	GElf_Shdr shdr;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!lsp_elf_section(elf, names[i], &shdr))
			continue;
		s->got[i][0] = shdr.sh_addr;
		s->got[i][1] = shdr.sh_addr + shdr.sh_size;
	}
}

int lsp_slots_create(struct lsp_elf *e, struct lsp_slots **ret)
{
	struct lsp_slots *s = calloc(1, sizeof(*s));
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	int err = 0;

	if (!s)
		return -ENOMEM;
	if (e->machine == EM_X86_64) {
		got_find(s, e->elf);
		while (!err && (scn = elf_nextscn(e->elf, scn)))
			if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_RELA)
				err = section_read(s, e->elf, scn, &shdr);
	}
	if (err) {
		lsp_slots_destroy(s);
		return err;
	}
	if (s->n)
		qsort(s->slots, s->n, sizeof(*s->slots), slot_compare);
	*ret = s;
	return 0;
}

void lsp_slots_destroy(struct lsp_slots *s)
{
	if (!s)
		return;
	free(s->slots);
	free(s);
}

int lsp_slots_find(const struct lsp_slots *s, uint64_t vaddr, const char **name,
		   uint64_t *target)
{
	const struct slot key = { .vaddr = vaddr }, *found;

	found = s->n ? bsearch(&key, s->slots, s->n, sizeof(key), slot_compare) : NULL;
	if (!found)
		return -ENOENT;
	*name = found->name;
	*target = found->target;
	return 0;
}
