/* SPDX-License-Identifier: GPL-2.0-only */
/* The process's executable mappings: what is text on a stack, and MAP records of them. */
#ifndef LSP_PRELOAD_MAPPINGS_H
#define LSP_PRELOAD_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be called when a library will be loaded, by a call whose end nobody will see. */
void lsp_text_stale(void);

/* A call that may load a library begins, 1, or has ended, -1. Within it each stack has mappings of its own time. */
void lsp_text_loading(int calls);

/* In a new process, which has to tell of its mappings itself. */
void lsp_text_process_new(void);

/*
 * The generation of the mappings, read again if they may have changed. Sends
 * MAP records through the calling thread's chunk, which must be there. 0: they
 * could not be read.
 */
uint32_t lsp_text_generation(uint64_t now_ns);

/* Hash of the words among @n from @base upwards that point into text, and of where they lie. */
uint64_t lsp_text_fingerprint(const uint64_t *words, size_t n, uint64_t seed);

#endif
