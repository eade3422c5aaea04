/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads .gnu_debugdata: the functions that a stripped program does not export, as a compressed ELF
 * file within it. Fedora, and distributions like it, have it in all of their programs.
 */
#ifndef LSP_ELF_MINIDEBUG_H
#define LSP_ELF_MINIDEBUG_H

#include "file.h"

struct lsp_minidebug {
	Elf *elf;		/* NULL: there is none */
	void *image;
};

/* If the section is damaged or too large, that is said, and it counts as absent. */
void lsp_minidebug_init(struct lsp_minidebug *m, struct lsp_elf *e);
void lsp_minidebug_uninit(struct lsp_minidebug *m);

#endif
