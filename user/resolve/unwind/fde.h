/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the entries of an .eh_frame or a .debug_frame section, one for each function. */
#ifndef LSP_UNWIND_FDE_H
#define LSP_UNWIND_FDE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfa.h"

struct lsp_fde {
	uint64_t start;		/* vaddr */
	uint64_t end;
	struct lsp_leb program;	/* the function's own instructions */
	const struct lsp_cfa_common *common;
};

struct lsp_fde_cie;

struct lsp_fdes {
	struct lsp_fde *fdes;	/* by start */
	size_t n;
	struct lsp_fde_cie *cies;
	size_t ncies;
	bool damaged;		/* some entries could not be read, and are left out */
};

/*
 * Reads a section of @bytes bytes at @vaddr. Entries outside [lo, hi), whose functions the linker
 * dropped, are left out. The result points into @data. Returns 0 or -ENOMEM.
 */
int lsp_fdes_read(const void *data, size_t bytes, uint64_t vaddr, bool eh_frame,
		  uint64_t lo, uint64_t hi, struct lsp_fdes *ret);
void lsp_fdes_uninit(struct lsp_fdes *f);

#endif
