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

#include "leb.h"

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
	bool root;		/* nothing calls it, or it leaves one stack for another */
	struct lsp_leb stack;	/* how far the stack pointer moves; empty: a root, or not known */
};

/* 0, or -ENOENT: @elf is no Go program, or of a layout that is not known. */
int lsp_gopcln_init(struct lsp_gopcln *t, Elf *elf);

/* Function @i of nfuncs; they ascend. False: damaged. */
bool lsp_gopcln_func(const struct lsp_gopcln *t, size_t i, struct lsp_gopcln_func *ret);

#endif
