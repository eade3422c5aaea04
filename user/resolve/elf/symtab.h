/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the functions or the variables of one symbol table by address. An address belongs to a
 * symbol if the symbol's size says so. A symbol without a size (in assembly) has what no symbol
 * with a size has, up to the next symbol or the end of its section.
 */
#ifndef LSP_ELF_SYMTAB_H
#define LSP_ELF_SYMTAB_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_symtab;

enum lsp_symtab_kind {
	LSP_SYMTAB_CODE,	/* functions, and labels in executable sections */
	LSP_SYMTAB_DATA,	/* objects; not thread-local ones */
};

struct lsp_symtab_symbol {
	const char *name;	/* the name with its version, as the table has it; belongs to the Elf */
	uint64_t start;
	uint64_t end;
};

/*
 * Makes the table. @type is SHT_SYMTAB or SHT_DYNSYM. With SHT_DYNSYM the functions of a Go
 * program's own table are added. The table keeps using @elf. Returns 0 or -ENOMEM.
 */
int lsp_symtab_create(Elf *elf, uint32_t type, enum lsp_symtab_kind kind,
		      struct lsp_symtab **ret);

/*
 * Like create, but the functions of @rest's .symtab are added, if @rest is not NULL. The table
 * keeps using @rest, too.
 */
int lsp_symtab_create_joined(Elf *elf, uint32_t type, Elf *rest, enum lsp_symtab_kind kind,
			     struct lsp_symtab **ret);
void lsp_symtab_destroy(struct lsp_symtab *t);

/*
 * Finds the symbol of @vaddr. If there are several names for one address, the public one is given:
 * global before local, fewer leading underscores, then the default version, the stronger binding,
 * the shorter name and the one that sorts first. Returns 0 or -ENOENT.
 */
int lsp_symtab_find(const struct lsp_symtab *t, uint64_t vaddr, struct lsp_symtab_symbol *ret);

/* Whether the table is .symtab, which has every function, and not .dynsym. */
bool lsp_symtab_is_full(const struct lsp_symtab *t);

/* Whether it has no symbol at all. */
bool lsp_symtab_is_empty(const struct lsp_symtab *t);

/*
 * Finds the address of the global symbol with this name, without its version. If there are several,
 * the default version counts. Returns 0, -ENOENT or -ENOMEM.
 */
int lsp_symtab_address(struct lsp_symtab *t, const char *name, uint64_t *ret);

#endif
