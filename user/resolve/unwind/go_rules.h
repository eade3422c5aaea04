/* SPDX-License-Identifier: GPL-2.0-only */
/* Unwind rules of Go programs, from the table that they carry (elf/gopcln.h). */
#ifndef LSP_UNWIND_GO_RULES_H
#define LSP_UNWIND_GO_RULES_H

#include <libelf.h>
#include <stdint.h>

#include "../elf/leb.h"
#include "cfa.h"
#include "fde.h"

/*
 * The functions of @elf within [lo, hi) as entries of call frame information without
 * @common, to be run by lsp_go_rules_run(). Where the runtime leaves one stack for
 * another the walk ends, and is complete: what follows is not on that stack.
 * 0 or -ENOMEM; no entries when @elf is no Go program.
 */
int lsp_go_rules_fdes(Elf *elf, uint64_t lo, uint64_t hi, struct lsp_fdes *ret);

/* As lsp_cfa_run(). The caller's rbp is not known, and no Go function needs it. */
int lsp_go_rules_run(struct lsp_leb stack, uint64_t start, uint64_t end, lsp_cfa_row_fn row,
		     void *arg);

#endif
