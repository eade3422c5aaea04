/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads .gopclntab, the table that every Go program has for its own tracebacks, stripped or not. It
 * has the functions' names. For each instruction it tells how far the stack pointer has moved since
 * the function was entered, by which a caller is found exactly. Read are the layouts of Go 1.2,
 * 1.16, 1.18 and 1.20, little-endian and 64-bit. Its lines are not read, because they belong to
 * inlined functions that it does not name.
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
	uint64_t text;		/* the vaddr from which functions are counted */
	size_t nfuncs;
	/* offsets in bytes at which parts of the table begin */
	size_t names;
	size_t pcs;
	size_t funcs;
	unsigned int width;	/* size of a number in the list of functions: 4 or 8 bytes */
};

struct lsp_gopcln_func {
	uint64_t start;		/* vaddr */
	uint64_t end;		/* start of the next function */
	const char *name;	/* belongs to the Elf */
	bool root;		/* nothing calls it, or it leaves one stack for another: a walk ends there */
	struct lsp_leb stack;	/* a table of how far the stack pointer moves; empty: a root, or not known */
};

/* Returns 0, or -ENOENT if @elf is no Go program or has an unknown layout. */
int lsp_gopcln_init(struct lsp_gopcln *t, Elf *elf);

/* Reads function number @i of nfuncs; they ascend. Returns false if the table is damaged. */
bool lsp_gopcln_func(const struct lsp_gopcln *t, size_t i, struct lsp_gopcln_func *ret);

#endif
