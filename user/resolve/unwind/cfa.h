/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the call frame instructions of one function, row by row. It follows the three registers that
 * are needed to find a caller: rbp, rsp and the return address.
 */
#ifndef LSP_UNWIND_CFA_H
#define LSP_UNWIND_CFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../elf/leb.h"
#include "rule.h"

enum lsp_cfa_reg_kind {
	LSP_CFA_REG_UNSPECIFIED,
	LSP_CFA_REG_UNDEFINED,
	LSP_CFA_REG_SAME,
	LSP_CFA_REG_OFFSET,	/* in memory at CFA + offset */
	LSP_CFA_REG_VAL_OFFSET,	/* its value is CFA + offset */
	LSP_CFA_REG_REGISTER,	/* in another register */
	LSP_CFA_REG_EXPRESSION,	/* in memory at the address that the expression gives */
	LSP_CFA_REG_VAL_EXPRESSION,
};

struct lsp_cfa_register {
	enum lsp_cfa_reg_kind kind;
	int64_t offset;
	const uint8_t *expr;
	size_t expr_bytes;
};

enum { LSP_CFA_RBP, LSP_CFA_RSP, LSP_CFA_RA, LSP_CFA_TRACKED };

struct lsp_cfa_state {
	bool cfa_set;
	uint64_t cfa_reg;
	int64_t cfa_off;
	const uint8_t *cfa_expr;	/* instead of register and offset */
	size_t cfa_expr_bytes;
	struct lsp_cfa_register regs[LSP_CFA_TRACKED];
};

/* What a CIE says about the functions that use it. */
struct lsp_cfa_common {
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_column;
	uint8_t encoding;		/* encoding of addresses, DW_EH_PE_ */
	bool augmented;			/* its functions have augmentation data */
	bool signal;
	struct lsp_cfa_state initial;	/* the state after the CIE's own instructions */
};

/* Called for each range of addresses with one rule. Returns 0, or -errno, which ends the run. */
typedef int (*lsp_cfa_row_fn)(void *arg, uint64_t start, uint64_t end,
			      const struct lsp_cfi_rule *rule);

/*
 * Runs @program over [start, end). Returns 0, what @row returned, or -EBADMSG if the program could
 * not be followed; the rows before that have been given.
 */
int lsp_cfa_run(const struct lsp_cfa_common *common, struct lsp_leb program,
		uint64_t start, uint64_t end, lsp_cfa_row_fn row, void *arg);

/* Runs a CIE's own instructions, and fills @common->initial. Returns 0 or -EBADMSG. */
int lsp_cfa_initial(struct lsp_cfa_common *common, struct lsp_leb program);

/* Turns a state into a compact rule, which is COMPLEX if the state has no compact form. */
void lsp_cfa_compact(const struct lsp_cfa_state *s, bool signal, struct lsp_cfi_rule *ret);

#endif
