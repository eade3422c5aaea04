/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which functions, inlined ones included, DWARF says an address lies in. The
 * table of compilation units is made at the first question, the index of a unit
 * at the first question about it, by one walk over its entries.
 */
#ifndef LSP_DWARF_INLINE_H
#define LSP_DWARF_INLINE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_inlines;

/* Deeper chains lose what is between the innermost and the out-of-line function. */
#define LSP_INLINE_MAX 64

struct lsp_inline {
	Dwarf_Die unit;
	/* Innermost first: DW_TAG_inlined_subroutine, and last the DW_TAG_subprogram. */
	Dwarf_Die functions[LSP_INLINE_MAX];
	uint64_t start;	/* where the stretch around the address that is just in these begins */
	size_t n;	/* 0: the unit has no function here (assembly) */
};

/* @dw must outlive it. 0 or -ENOMEM. */
int lsp_inlines_create(Dwarf *dw, struct lsp_inlines **ret);
void lsp_inlines_destroy(struct lsp_inlines *x);

/* Whether a unit has its functions in a .dwo file, where they are not looked for. */
bool lsp_inlines_are_split(const struct lsp_inlines *x);

/* 0, -ENOENT when no unit has @vaddr, -ENOMEM. */
int lsp_inlines_find(struct lsp_inlines *x, uint64_t vaddr, struct lsp_inline *ret);

/*
 * The first address of the out-of-line function that @die (its body, its
 * abstract instance or a declaration within the same unit) stands for. 0,
 * -ENOENT or -ENOMEM.
 */
int lsp_inlines_entry(struct lsp_inlines *x, Dwarf_Die *die, uint64_t *ret);

#endif
