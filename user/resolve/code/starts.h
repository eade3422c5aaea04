/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds where functions begin in a file that has no symbols. They begin where the file's calls lead
 * to, and where its jumps lead to a place at which a function may begin.
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
 * Returns the nearest beginning of a function at or before @vaddr, 0 if there is none. *@end is the
 * next beginning after it. A function that is only called through pointers is not found, and looks
 * like the end of the function before it.
 */
uint64_t lsp_starts_find(const struct lsp_starts *s, uint64_t vaddr, uint64_t *end);

#endif
