/* SPDX-License-Identifier: GPL-2.0-only */
/* For what needs a descriptor while the program runs, which may count on the lowest number that it has free. */
#ifndef LSP_PRELOAD_APART_H
#define LSP_PRELOAD_APART_H

#include <stdbool.h>

/*
 * Calls @fn in a thread that has descriptors of its own, none of the program's, and waits for it. One
 * caller at a time, with its signals blocked; @fn has the caller's thread-local variables, little stack,
 * and may make system calls. False: not called, there can be no such thread.
 */
bool lsp_apart_run(void (*fn)(void *arg), void *arg);

/* Valgrind is not the kernel: it has neither such threads nor all that mremap() can do. */
bool lsp_apart_valgrind(void);

#endif
