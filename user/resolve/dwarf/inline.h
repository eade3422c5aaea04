/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the functions, inlined ones included, that an address lies in according to DWARF. The table
 * of compilation units is made at the first question. The index of a unit is made at the first
 * question about the unit, by one walk over its entries.
 */
#ifndef LSP_DWARF_INLINE_H
#define LSP_DWARF_INLINE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_inlines;

/*
 * In a deeper chain of inlined functions, those between the innermost ones and the out-of-line
 * function are left out.
 */
#define LSP_INLINE_MAX 64

struct lsp_inline {
	Dwarf_Die unit;
	/* Innermost first: DW_TAG_inlined_subroutine, and last the DW_TAG_subprogram. */
	Dwarf_Die functions[LSP_INLINE_MAX];
	uint64_t start;	/* beginning of the range around the address that lies in exactly these functions */
	size_t n;	/* 0: the unit has no function here (assembly) */
};

/* @dw must outlive it. 0 or -ENOMEM. */
int lsp_inlines_create(Dwarf *dw, struct lsp_inlines **ret);
void lsp_inlines_destroy(struct lsp_inlines *x);

/* Whether a unit has its functions in a .dwo file, where they are not looked for. */
bool lsp_inlines_are_split(const struct lsp_inlines *x);

/* Returns 0, -ENOENT if no unit has @vaddr, or -ENOMEM. */
int lsp_inlines_find(struct lsp_inlines *x, uint64_t vaddr, struct lsp_inline *ret);

/*
 * Finds the first address of the out-of-line function that @die stands for. @die is its body, its
 * abstract instance, or a declaration in the same unit. Returns 0, -ENOENT or -ENOMEM.
 */
int lsp_inlines_entry(struct lsp_inlines *x, Dwarf_Die *die, uint64_t *ret);

#endif
