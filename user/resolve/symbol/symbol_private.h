/* SPDX-License-Identifier: GPL-2.0-only */
/* What the sources of symbol.h and lock.h share. */
#ifndef LSP_SYMBOL_SYMBOL_PRIVATE_H
#define LSP_SYMBOL_SYMBOL_PRIVATE_H

#include "symbol.h"
#include "../../base/intern.h"

struct lsp_symbols {
	struct lsp_intern text;		/* all lines, all strings */
	const struct lsp_line **lines;	/* those of lsp_symbol_line(), open addressing */
	size_t nlines;			/* slots: a power of two, or 0 */
	size_t lines_used;
};

#endif
