/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call frame instructions of one function, run row by row. Follows the
 * three registers that finding a caller needs: rbp, rsp and the return address.
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
	LSP_CFA_REG_VAL_OFFSET,	/* is CFA + offset */
	LSP_CFA_REG_REGISTER,	/* in another register */
	LSP_CFA_REG_EXPRESSION,	/* in memory at what the expression gives */
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

/* What a CIE says for the functions that share it. */
struct lsp_cfa_common {
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_column;
	uint8_t encoding;		/* of addresses, DW_EH_PE_* */
	bool augmented;			/* functions have augmentation data */
	bool signal;
	struct lsp_cfa_state initial;	/* after the CIE's own instructions */
};

/* Called for each stretch of addresses with one rule. 0 or -errno, which ends the run. */
typedef int (*lsp_cfa_row_fn)(void *arg, uint64_t start, uint64_t end,
			      const struct lsp_cfi_rule *rule);

/*
 * Runs @program over [start, end). 0, -EBADMSG when it could not be followed
 * (rows up to there have been given), or what @row returned.
 */
int lsp_cfa_run(const struct lsp_cfa_common *common, struct lsp_leb program,
		uint64_t start, uint64_t end, lsp_cfa_row_fn row, void *arg);

/* Runs a CIE's own instructions, filling @common->initial. 0 or -EBADMSG. */
int lsp_cfa_initial(struct lsp_cfa_common *common, struct lsp_leb program);

/* The compact form of a state; COMPLEX where it has none. */
void lsp_cfa_compact(const struct lsp_cfa_state *s, bool signal, struct lsp_cfi_rule *ret);

#endif
