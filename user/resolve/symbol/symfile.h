/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has been read of one file so far: its symbols, its indexes of DWARF, and the lines that were
 * found. It is kept with the lsp_elf and freed with it.
 */
#ifndef LSP_SYMBOL_SYMFILE_H
#define LSP_SYMBOL_SYMFILE_H

#include <stdint.h>

#include "../dwarf/inline.h"
#include "../elf/file.h"
#include "../trace.h"
#include "../elf/symtab.h"

struct lsp_slots;
struct lsp_variables;

/* The lines of one address. Their memory belongs to the lsp_symbols. */
struct lsp_symfile_memo {
	uint64_t vaddr;
	const struct lsp_line *lines;	/* NULL: the slot is free */
	size_t n;
};

struct lsp_symfile {
	struct lsp_elf *elf;
	struct lsp_symtab *code;	/* NULL: not read yet */
	struct lsp_symtab *data;
	struct lsp_inlines *inlines;
	struct lsp_variables *variables;
	struct lsp_slots *slots;
	Dwarf *dwarf;			/* NULL: none */
	bool dwarf_tried;
	struct lsp_symfile_memo *memo;	/* open addressing */
	size_t nmemo;			/* slots: a power of two, or 0 */
	size_t memo_used;
};

/* Finds what was read of @e so far, and makes it at the first call. Returns 0 or -ENOMEM. */
int lsp_symfile_get(struct lsp_elf *e, struct lsp_symfile **ret);

/*
 * Each reads its part at the first call. Returns 0, -ENOENT if the file has no such part, or
 * -ENOMEM.
 */
int lsp_symfile_symtab(struct lsp_symfile *f, enum lsp_symtab_kind kind, struct lsp_symtab **ret);
int lsp_symfile_dwarf(struct lsp_symfile *f, Dwarf **ret);
int lsp_symfile_inlines(struct lsp_symfile *f, struct lsp_inlines **ret);
int lsp_symfile_variables(struct lsp_symfile *f, struct lsp_variables **ret);
int lsp_symfile_slots(struct lsp_symfile *f, struct lsp_slots **ret);

/*
 * lsp_symfile_recall() returns the lines that were noted for @vaddr, or NULL. lsp_symfile_note()
 * notes them, and returns 0 or -ENOMEM.
 */
const struct lsp_symfile_memo *lsp_symfile_recall(const struct lsp_symfile *f, uint64_t vaddr);
int lsp_symfile_note(struct lsp_symfile *f, uint64_t vaddr, const struct lsp_line *lines,
		     size_t n);

#endif
