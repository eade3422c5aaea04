/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds where calls lead, and where the functions that were called jump to. Used by tail.c. */
#ifndef LSP_SYMBOL_TARGET_H
#define LSP_SYMBOL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dwarf/inline.h"
#include "../elf/file.h"
#include "../elf/symtab.h"

/*
 * A function, given by its first address, or by a @name that another file defines. In the second
 * case @elf and @vaddr are where it was called by that name.
 */
struct lsp_target {
	struct lsp_elf *elf;
	uint64_t vaddr;
	const char *name;	/* NULL: it is given by its address */
};

/* The functions that one call may have led to. */
#define LSP_TARGET_CALLED_MAX 8
struct lsp_target_called {
	struct lsp_target at[LSP_TARGET_CALLED_MAX];
	size_t n;
	bool certain;		/* at[0] is the one; else the call's register may hold any of these */
};

#define LSP_TARGET_JUMPS_MAX 64
struct lsp_target_jump {
	struct lsp_target to;
	uint64_t vaddr;		/* of the jump */
};

/* The tail calls of one function. */
struct lsp_target_jumps {
	struct lsp_elf *callee;	/* names are also looked up in this file */
	struct lsp_elf *elf;
	struct lsp_target_jump jumps[LSP_TARGET_JUMPS_MAX];
	size_t n;
	bool known;		/* the list is complete */
	bool unknown_target;
};

/*
 * Finds the functions to which the call before @ra of @e may lead. Only addresses at which a symbol
 * starts count. Returns 0, -ENOENT if nothing tells, or -ENOMEM.
 */
int lsp_target_called(struct lsp_elf *callee, struct lsp_elf *e, uint64_t ra,
		      struct lsp_target_called *ret);

/*
 * Reads the tail calls of the function at @p into @j. The caller has set the callee in @j, and all
 * else to 0. Returns 0 or -ENOMEM.
 */
int lsp_target_jumps_read(struct lsp_target_jumps *j, const struct lsp_target *p);

/* Finds DWARF's out-of-line function at @p. Returns 0, -ENOENT if there is none, or -ENOMEM. */
int lsp_target_function(const struct lsp_target *p, struct lsp_inlines **inlines, Dwarf_Die *ret);

/* Finds the symbols of @e's code. Returns 0, -ENOENT or -ENOMEM. */
int lsp_target_symtab(struct lsp_elf *e, struct lsp_symtab **ret);

#endif
