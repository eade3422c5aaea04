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

struct lsp_elf;

enum lsp_cfa_kind {
	LSP_CFA_NONE,		/* nothing is known of this address */
	LSP_CFA_REG,		/* register + cfa_off */
	LSP_CFA_DEREF,		/* word at register + cfa_off (realigned stacks, signal frames) */
	LSP_CFA_PLT,		/* rsp + 8, and 8 more when (pc & 15) >= cfa_off */
	LSP_CFA_COMPLEX,	/* there is a rule, but not of a form that fits here */
};

/* Where a caller's register lies. */
enum lsp_slot_kind {
	LSP_SLOT_SAME,		/* unchanged */
	LSP_SLOT_CFA,		/* in memory at CFA + offset */
	LSP_SLOT_REG,		/* in memory at the CFA's register + offset */
	LSP_SLOT_UNDEFINED,	/* for the return address: this is the outermost frame */
};

#define LSP_CFI_SIGNAL (1U << 0)	/* a signal trampoline: its caller was interrupted, it did not call */

/* 12 bytes; rules of a table are unique. The caller's rsp is the CFA. */
struct lsp_cfi_rule {
	int32_t cfa_off;
	int16_t rbp_off;
	int16_t ra_off;
	uint8_t cfa_kind;	/* enum lsp_cfa_kind */
	uint8_t cfa_reg;	/* DWARF number */
	uint8_t slots;		/* LSP_SLOT_* of rbp in the low four bits, of the return address above */
	uint8_t flags;		/* LSP_CFI_* */
};

#define LSP_CFI_RBP(rule) ((rule)->slots & 15U)
#define LSP_CFI_RA(rule) ((rule)->slots >> 4)

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
