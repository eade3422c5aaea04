/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table that every Go program carries for its own tracebacks, stripped or
 * not (.gopclntab): the functions' names, and for each instruction how far the
 * stack pointer has moved since the function was entered, which finds a caller
 * exactly. Layouts of Go 1.2, 1.16, 1.18 and 1.20, little-endian, 64-bit. Its
 * lines are not read: they belong to inlined functions that it does not name.
 */
#ifndef LSP_ELF_GOPCLN_H
#define LSP_ELF_GOPCLN_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../unwind/cfa.h"
#include "../unwind/fde.h"

struct lsp_gopcln {
	const uint8_t *data;	/* belongs to the Elf */
	size_t bytes;
	uint64_t text;		/* vaddr that functions are counted from */
	size_t nfuncs;
	/* where parts of it begin, in bytes */
	size_t names;
	size_t pcs;
	size_t funcs;
	unsigned int width;	/* bytes of a number in the list of functions: 4 or 8 */
};

struct lsp_gopcln_func {
	uint64_t start;		/* vaddr */
	uint64_t end;		/* start of the next one */
	const char *name;	/* belongs to the Elf */
	struct lsp_leb stack;	/* for lsp_gopcln_run(); empty: this is the outermost frame of its stack */
};

/* 0, or -ENOENT: @elf is no Go program, or of a layout that is not known. */
int lsp_gopcln_init(struct lsp_gopcln *t, Elf *elf);

/* Function @i of nfuncs; they ascend. False: damaged. */
bool lsp_gopcln_func(const struct lsp_gopcln *t, size_t i, struct lsp_gopcln_func *ret);

/*
 * Its functions within [lo, hi) as entries of call frame information without
 * @common, to be run by lsp_gopcln_run(). Where the runtime leaves one stack for
 * another the walk ends, and is complete: what follows is not on that stack.
 * 0 or -ENOMEM; no entries when @elf is no Go program.
 */
int lsp_gopcln_fdes(Elf *elf, uint64_t lo, uint64_t hi, struct lsp_fdes *ret);

/* As lsp_cfa_run(). The caller's rbp is not known, and no Go function needs it. */
int lsp_gopcln_run(struct lsp_leb stack, uint64_t start, uint64_t end, lsp_cfa_row_fn row,
		   void *arg);

#endif
