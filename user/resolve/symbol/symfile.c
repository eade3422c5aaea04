/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads each part of a file when it is first asked for, and remembers. */
#include "symfile.h"

#include <errno.h>
#include <stdlib.h>

#include "../elf/debugfile.h"
#include "../elf/slot.h"
#include "../dwarf/variable.h"

#define MEMO_MIN 64

static void symfile_free(void *data)
{
	struct lsp_symfile *f = data;

	lsp_symtab_destroy(f->code);
	lsp_symtab_destroy(f->data);
	lsp_inlines_destroy(f->inlines);
	lsp_variables_destroy(f->variables);
	lsp_slots_destroy(f->slots);
	free(f->memo);
	free(f);
}

int lsp_symfile_get(struct lsp_elf *e, struct lsp_symfile **ret)
{
	struct lsp_symfile *f = e->kept[LSP_ELF_KEEPS_SYMBOLS].data;

	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return -ENOMEM;
		f->elf = e;
		e->kept[LSP_ELF_KEEPS_SYMBOLS] = (struct lsp_elf_kept){ f, symfile_free };
	}
	*ret = f;
	return 0;
}

int lsp_symfile_symtab(struct lsp_symfile *f, enum lsp_symtab_kind kind, struct lsp_symtab **ret)
{
	struct lsp_symtab **at = kind == LSP_SYMTAB_CODE ? &f->code : &f->data;
	Elf *elf, *rest = NULL;
	uint32_t type;
	int err;

	if (!*at) {
		/* a file without a table has an empty one */
		if (lsp_elf_symtab_elf(f->elf, &elf, &type)) {
			elf = f->elf->elf;
			type = SHT_DYNSYM;
		} else if (type == SHT_DYNSYM) {
			rest = lsp_elf_symtab_rest(f->elf);
		}
		err = lsp_symtab_create_joined(elf, type, rest, kind, at);
		if (err)
			return err;
	}
	*ret = *at;
	return 0;
}

int lsp_symfile_dwarf(struct lsp_symfile *f, Dwarf **ret)
{
	if (!f->dwarf_tried) {
		f->dwarf_tried = true;
		if (lsp_elf_dwarf(f->elf, &f->dwarf))
			f->dwarf = NULL;
	}
	*ret = f->dwarf;
	return f->dwarf ? 0 : -ENOENT;
}

int lsp_symfile_inlines(struct lsp_symfile *f, struct lsp_inlines **ret)
{
	Dwarf *dw;
	int err = lsp_symfile_dwarf(f, &dw);

	if (!err && !f->inlines) {
		err = lsp_inlines_create(dw, &f->inlines);
		if (!err && lsp_inlines_are_split(f->inlines))
			lsp_elf_warn(f->elf->context, "%s: part of its debug information is in .dwo files,"
				     " which are not read: inlined functions and variables there"
				     " have no names", f->elf->path);
	}
	*ret = f->inlines;
	return err;
}

int lsp_symfile_variables(struct lsp_symfile *f, struct lsp_variables **ret)
{
	Dwarf *dw;
	int err = lsp_symfile_dwarf(f, &dw);

	if (!err && !f->variables)
		err = lsp_variables_create(dw, &f->variables);
	*ret = f->variables;
	return err;
}

int lsp_symfile_slots(struct lsp_symfile *f, struct lsp_slots **ret)
{
	int err = f->slots ? 0 : lsp_slots_create(f->elf, &f->slots);

	*ret = f->slots;
	return err;
}

static struct lsp_symfile_memo *memo_slot(struct lsp_symfile_memo *memo, size_t nmemo,
					  uint64_t vaddr)
{
	size_t i = (vaddr * 0x9e3779b97f4a7c15ULL >> 32) & (nmemo - 1);

	while (memo[i].lines && memo[i].vaddr != vaddr)
		i = (i + 1) & (nmemo - 1);
	return &memo[i];
}

const struct lsp_symfile_memo *lsp_symfile_recall(const struct lsp_symfile *f, uint64_t vaddr)
{
	const struct lsp_symfile_memo *m;

	if (!f->nmemo)
		return NULL;
	m = memo_slot(f->memo, f->nmemo, vaddr);
	return m->lines ? m : NULL;
}

static int memo_grow(struct lsp_symfile *f)
{
	size_t i, n = f->nmemo ? 2 * f->nmemo : MEMO_MIN;
	struct lsp_symfile_memo *memo;

	if (f->memo_used < f->nmemo / 2)
		return 0;
	memo = calloc(n, sizeof(*memo));
	if (!memo)
		return -ENOMEM;
	for (i = 0; i < f->nmemo; i++)
		if (f->memo[i].lines)
			*memo_slot(memo, n, f->memo[i].vaddr) = f->memo[i];
	free(f->memo);
	f->memo = memo;
	f->nmemo = n;
	return 0;
}

int lsp_symfile_note(struct lsp_symfile *f, uint64_t vaddr, const struct lsp_line *lines, size_t n)
{
	struct lsp_symfile_memo *m;

	if (memo_grow(f))
		return -ENOMEM;
	m = memo_slot(f->memo, f->nmemo, vaddr);
	if (!m->lines)
		f->memo_used++;
	*m = (struct lsp_symfile_memo){ vaddr, lines, n };
	return 0;
}
