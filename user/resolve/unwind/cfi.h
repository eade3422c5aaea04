/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call frame information of one file as a compact table: for each address the rule by which its
 * caller is found. It is built once per file, from .eh_frame and .debug_frame, or in a Go program
 * from the table that Go's runtime uses itself. .eh_frame is found by its section, so static
 * programs without .eh_frame_hdr work; in a file without sections it is found by the program
 * headers. x86-64 only; other files give an empty table.
 */
#ifndef LSP_UNWIND_CFI_H
#define LSP_UNWIND_CFI_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../kmod/uapi/lockspan.h"
#include "rule.h"

struct lsp_elf;

struct lsp_cfi {
	uint64_t base;		/* the vaddr from which pcs[] are counted */
	uint32_t *pcs;		/* ascending; rule i holds from pcs[i] to pcs[i + 1] */
	uint16_t *ids;		/* index into rules */
	size_t nrows;
	struct lsp_cfi_rule *rules; /* rules[0] is NONE, rules[1] COMPLEX */
	size_t nrules;
	size_t ncomplex;	/* number of rows whose rule is COMPLEX */
	bool damaged;		/* some entries could not be read, and are left out */
};

/* Whether @elf has no entries, so that its debug file may help. */
bool lsp_cfi_wants_debug(Elf *elf);

/*
 * Builds the table. @debug is the separate debug file, which is only read if @elf has no entries;
 * it may be NULL. A file without entries gives a table without rows. Returns 0 or -ENOMEM.
 */
int lsp_cfi_create(Elf *elf, Elf *debug, struct lsp_cfi **ret);
void lsp_cfi_destroy(struct lsp_cfi *cfi);

/*
 * Returns the table of @e, which is kept with @e. NULL: no memory. The cache's listener is told
 * once about entries that cannot be read.
 */
const struct lsp_cfi *lsp_cfi_of(struct lsp_elf *e);

/* Returns the rule for @vaddr; never NULL, LSP_CFA_NONE if there is none. */
const struct lsp_cfi_rule *lsp_cfi_lookup(const struct lsp_cfi *cfi, uint64_t vaddr);

/*
 * Writes the rule at @pc in the form that the module takes. Returns false if the module cannot
 * follow it.
 */
bool lsp_cfi_rule_plain(const struct lsp_cfi_rule *r, uint64_t pc, struct lockspan_rule *ret);

#endif
