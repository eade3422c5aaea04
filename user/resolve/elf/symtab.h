/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions or the variables of one symbol table by address. An address is
 * a symbol's when its size says so. A symbol without a size (assembly) owns
 * what no sized symbol does, up to the next symbol or the end of its section.
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
	const char *name;	/* with its version, as the table has it; belongs to the Elf */
	uint64_t start;
	uint64_t end;
};

/*
 * @type is SHT_SYMTAB, or SHT_DYNSYM, with which the functions come from a Go
 * program's own table too; the table keeps using @elf. 0 or -ENOMEM.
 */
int lsp_symtab_create(Elf *elf, uint32_t type, enum lsp_symtab_kind kind,
		      struct lsp_symtab **ret);

/* The same with the functions of @rest's .symtab added, if it is not NULL; @rest is kept in use too. */
int lsp_symtab_create_joined(Elf *elf, uint32_t type, Elf *rest, enum lsp_symtab_kind kind,
			     struct lsp_symtab **ret);
void lsp_symtab_destroy(struct lsp_symtab *t);

/*
 * The symbol of @vaddr. Of several names for one address the public one is
 * given: global before local, fewer leading underscores, then the default
 * version, the stronger binding, the shorter and the lesser name. 0 or -ENOENT.
 */
int lsp_symtab_find(const struct lsp_symtab *t, uint64_t vaddr, struct lsp_symtab_symbol *ret);

/* Whether it is .symtab, which has every function, and not .dynsym. */
bool lsp_symtab_is_full(const struct lsp_symtab *t);

/* Whether it has no symbol at all. */
bool lsp_symtab_is_empty(const struct lsp_symtab *t);

/*
 * The address of the global symbol of this name, versions left out; of several
 * that of the default version. 0, -ENOENT or -ENOMEM.
 */
int lsp_symtab_address(struct lsp_symtab *t, const char *name, uint64_t *ret);

#endif
