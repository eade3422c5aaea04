/* SPDX-License-Identifier: GPL-2.0-only */
/* The rule by which a caller is found from a frame: one row of call frame information. */
#ifndef LSP_UNWIND_RULE_H
#define LSP_UNWIND_RULE_H

#include <stdint.h>

enum lsp_cfa_kind {
	LSP_CFA_NONE,		/* nothing is known of this address */
	LSP_CFA_REG,		/* register + cfa_off */
	LSP_CFA_DEREF,		/* word at register + cfa_off (realigned stacks, signal frames) */
	LSP_CFA_PLT,		/* rsp + 8, and 8 more when (pc & 15) >= cfa_off */
	LSP_CFA_COMPLEX,	/* there is a rule, but its form does not fit here */
};

/* Where the caller's value of a register is. */
enum lsp_slot_kind {
	LSP_SLOT_SAME,		/* unchanged */
	LSP_SLOT_CFA,		/* in memory at CFA + offset */
	LSP_SLOT_REG,		/* in memory at the CFA's register + offset */
	LSP_SLOT_UNDEFINED,	/* for the return address: this frame is the outermost one */
};

#define LSP_CFI_SIGNAL (1U << 0)	/* a signal trampoline: its caller was interrupted and made no call */

/* 12 bytes. The rules of a table are distinct. The caller's rsp is the CFA. */
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

#endif
