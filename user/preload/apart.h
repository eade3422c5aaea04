/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does work that needs a file descriptor while the program runs. The program may rely on the lowest
 * number that is free, so the work is done in a thread that has none of the program's descriptors.
 */
#ifndef LSP_PRELOAD_APART_H
#define LSP_PRELOAD_APART_H

#include <stdbool.h>

/*
 * Calls @fn in a thread that has none of the program's descriptors, and waits for it. One caller at
 * a time, with its signals blocked. @fn has the thread-local variables of the caller and a small
 * stack, and may make system calls. Returns false if there can be no such thread; then @fn was not
 * called.
 */
bool lsp_apart_run(void (*fn)(void *arg), void *arg);

/* Whether the program runs under Valgrind, which has no such threads and cannot do all that mremap() does. */
bool lsp_apart_valgrind(void);

#endif
