/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies a thread's stack. The copy stops where memory ends. */
#ifndef LSP_PRELOAD_COPY_H
#define LSP_PRELOAD_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called before the program runs. Finds out whether system calls are forbidden to it already. */
void lsp_copy_begin(void);

/*
 * The program is about to forbid itself system calls. From now on only calls are used that every
 * program needs.
 */
void lsp_copy_be_careful(void);
bool lsp_copy_is_careful(void);

/*
 * Copies @bytes, a multiple of 8, from @from on the stack of the calling thread @tid. Returns how
 * many bytes existed.
 */
size_t lsp_copy(uint32_t tid, void *to, uint64_t from, size_t bytes);

#endif
