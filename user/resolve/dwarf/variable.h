/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the variable that lies at an address: a global one, or a static one in a function. The
 * index is made by one walk over all units at the first question.
 */
#ifndef LSP_DWARF_VARIABLE_H
#define LSP_DWARF_VARIABLE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

struct lsp_variables;

struct lsp_variable {
	Dwarf_Die die;		/* DW_TAG_variable with its location */
	Dwarf_Die unit;
	Dwarf_Die type;
	Dwarf_Die function;	/* the function in which it is static, if in_function */
	bool in_function;
	uint64_t start;		/* vaddr */
	uint64_t bytes;
};

/* @dw must outlive it. 0 or -ENOMEM. */
int lsp_variables_create(Dwarf *dw, struct lsp_variables **ret);
void lsp_variables_destroy(struct lsp_variables *v);

/* 0 or -ENOENT. */
int lsp_variables_find(const struct lsp_variables *v, uint64_t vaddr, struct lsp_variable *ret);

#endif
