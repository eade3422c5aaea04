/* SPDX-License-Identifier: GPL-2.0-only */
/* Where calls lead, and where the functions that they lead to jump on: for tail.c. */
#ifndef LSP_SYMBOL_TARGET_H
#define LSP_SYMBOL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dwarf/inline.h"
#include "../elf/file.h"
#include "../elf/symtab.h"

/*
 * A function by its first address, or by a @name that another file has: then
 * @elf and @vaddr are where it was called by that name.
 */
struct lsp_target {
	struct lsp_elf *elf;
	uint64_t vaddr;
	const char *name;	/* NULL: by its address */
};

/* What one call may have led to. */
#define LSP_TARGET_CALLED_MAX 8
struct lsp_target_called {
	struct lsp_target at[LSP_TARGET_CALLED_MAX];
	size_t n;
	bool certain;		/* the one of @at; else through a register that they are put into */
};

#define LSP_TARGET_JUMPS_MAX 64
struct lsp_target_jump {
	struct lsp_target to;
	uint64_t vaddr;		/* of the jump */
};

/* The tail calls of one function. */
struct lsp_target_jumps {
	struct lsp_elf *callee;	/* where names are looked for too */
	struct lsp_elf *elf;
	struct lsp_target_jump jumps[LSP_TARGET_JUMPS_MAX];
	size_t n;
	bool known;		/* these are all */
	bool unknown_target;
};

/*
 * The functions that the call before @ra of @e names; only where a symbol starts.
 * 0, -ENOENT where nothing tells, or -ENOMEM.
 */
int lsp_target_called(struct lsp_elf *callee, struct lsp_elf *e, uint64_t ra,
		      struct lsp_target_called *ret);

/* The tail calls of the function at @p, to @j, whose callee is set and the rest 0. 0 or -ENOMEM. */
int lsp_target_jumps_read(struct lsp_target_jumps *j, const struct lsp_target *p);

/* The out-of-line function of DWARF at @p. 0, -ENOENT when there is none, or -ENOMEM. */
int lsp_target_function(const struct lsp_target *p, struct lsp_inlines **inlines, Dwarf_Die *ret);

/* The symbols of @e's code. 0, -ENOENT or -ENOMEM. */
int lsp_target_symtab(struct lsp_elf *e, struct lsp_symtab **ret);

#endif
