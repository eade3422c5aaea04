/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes unwind rules of Go programs, from the table that they have (elf/gopcln.h). */
#ifndef LSP_UNWIND_GO_RULES_H
#define LSP_UNWIND_GO_RULES_H

#include <libelf.h>
#include <stdint.h>

#include "../elf/leb.h"
#include "cfa.h"
#include "fde.h"

/*
 * Makes entries of call frame information, without @common, from the functions of @elf within [lo,
 * hi). lsp_go_rules_run() runs them. Where Go's runtime leaves one stack for another, the walk ends
 * as complete, because what follows is not on that stack. Returns 0 or -ENOMEM. There are no
 * entries if @elf is no Go program.
 */
int lsp_go_rules_fdes(Elf *elf, uint64_t lo, uint64_t hi, struct lsp_fdes *ret);

/* Like lsp_cfa_run(). The caller's rbp is not known, and no Go function needs it. */
int lsp_go_rules_run(struct lsp_leb stack, uint64_t start, uint64_t end, lsp_cfa_row_fn row,
		     void *arg);

#endif
