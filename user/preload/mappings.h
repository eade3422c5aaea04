/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Knows the process's executable mappings: sends them as MAP records, and tells which words of a
 * stack point into text.
 */
#ifndef LSP_PRELOAD_MAPPINGS_H
#define LSP_PRELOAD_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called before a library will be loaded by a call whose end no hook sees. */
void lsp_text_stale(void);

/*
 * A call that may load a library begins (1) or has ended (-1). In between, the mappings are read
 * anew for each stack.
 */
void lsp_text_loading(int calls);

/* Called in a new process, which has to send its mappings itself. */
void lsp_text_process_new(void);

/*
 * Returns the generation of the mappings. Reads them again if they may have changed, and sends MAP
 * records through the calling thread's chunk, which must exist. Returns 0 if they could not be
 * read.
 */
uint32_t lsp_text_generation(uint64_t now_ns);

/* A hash of those of the @n words from @base upwards that point into text, and of their places. */
uint64_t lsp_text_fingerprint(const uint64_t *words, size_t n, uint64_t seed);

#endif
