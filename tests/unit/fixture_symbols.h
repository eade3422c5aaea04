/* SPDX-License-Identifier: GPL-2.0-only */
/* One ELF file of the scratch directory, opened for a test of its symbols and debug information. */
#ifndef LSP_TESTS_FIXTURE_SYMBOLS_H
#define LSP_TESTS_FIXTURE_SYMBOLS_H

#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/symbol/symbol.h"

struct symbols_file {
	struct lsp_elf_cache *cache;
	struct lsp_symbols *symbols;
	struct lsp_elf *elf;
	char said[2048];	/* the warnings so far, one a line */
};

/* Opens the file @name of the scratch directory. Separate debug files are not looked for below /usr. */
void symbols_file_open(struct symbols_file *f, const char *name);
void symbols_file_close(struct symbols_file *f);

#endif
