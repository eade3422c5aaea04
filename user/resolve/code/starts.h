/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where functions begin in a file that has no symbols: what its own calls lead
 * to, and what its jumps lead to where a function may begin.
 */
#ifndef LSP_CODE_STARTS_H
#define LSP_CODE_STARTS_H

#include <stdint.h>

#include "../elf/file.h"

struct lsp_starts;

/* Reads the executable segments. x86-64. 0 or -ENOMEM; it may find nothing. */
int lsp_starts_create(struct lsp_elf *e, struct lsp_starts **ret);
void lsp_starts_destroy(struct lsp_starts *s);

/*
 * The nearest beginning at or before @vaddr, 0 when there is none; *@end is the
 * next one after it. A function that is called through pointers alone is not
 * known: it looks like the end of the one before.
 */
uint64_t lsp_starts_find(const struct lsp_starts *s, uint64_t vaddr, uint64_t *end);

#endif
