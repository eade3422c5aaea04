/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call frame information of one file as a compact table: for each address the
 * rule by which its caller is found. Built once per file from .eh_frame (found
 * by section, so that static programs without .eh_frame_hdr work, and by the
 * program headers in a file without sections) and .debug_frame, in a Go program
 * from the table that its runtime has of itself. x86-64 only; other files give an
 * empty table.
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
	uint64_t base;		/* vaddr that pcs[] are relative to */
	uint32_t *pcs;		/* ascending; rule i holds from pcs[i] to pcs[i + 1] */
	uint16_t *ids;		/* index into rules */
	size_t nrows;
	struct lsp_cfi_rule *rules; /* rules[0] is NONE, rules[1] COMPLEX */
	size_t nrules;
	size_t ncomplex;	/* rows whose rule is COMPLEX */
	bool damaged;		/* some entries could not be read and are left out */
};

/* Whether @elf has no entries itself, so that its debug file may help. */
bool lsp_cfi_wants_debug(Elf *elf);

/*
 * @debug: the separate debug file, read only when @elf itself has no entries;
 * may be NULL. 0 or -ENOMEM; a file without any entries gives a table of no rows.
 */
int lsp_cfi_create(Elf *elf, Elf *debug, struct lsp_cfi **ret);
void lsp_cfi_destroy(struct lsp_cfi *cfi);

/*
 * The table of @e, which @e keeps; NULL: no memory. The cache's listener hears once of
 * entries that cannot be read.
 */
const struct lsp_cfi *lsp_cfi_of(struct lsp_elf *e);

/* Rule for @vaddr; never NULL, LSP_CFA_NONE where there is none. */
const struct lsp_cfi_rule *lsp_cfi_lookup(const struct lsp_cfi *cfi, uint64_t vaddr);

/* The rule at @pc in the form that the module takes; false for what it cannot follow. */
bool lsp_cfi_rule_plain(const struct lsp_cfi_rule *r, uint64_t pc, struct lockspan_rule *ret);

#endif
