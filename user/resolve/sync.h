/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the class of what a resolved stack waits for or releases, whether that is native (its futex
 * word is the lock), the stack's site, and where the library's inner frames end and the program's
 * call begins. It decides by names alone, from the leaf outwards, so it works on stripped
 * libraries, too.
 */
#ifndef LSP_RESOLVE_SYNC_H
#define LSP_RESOLVE_SYNC_H

#include <stddef.h>

#include "trace.h"

/*
 * Finds the class of the stack @frames (leaf first, complete), which is one of @side. @op is the
 * waiter's enum lockspan_op, LOCKSPAN_OP_OTHER if it is not known. It tells the wait of a condition
 * variable from the wait for its mutex, if the frames between have no names.
 *
 * *@boundary is the index of the first frame to show: the public call, such as pthread_mutex_lock.
 * *@line is how many of this frame's lines, counted from the innermost inlined one, are also the
 * library's; it is less than nlines. If nothing was recognised, both are 0 and *@sync is OTHER.
 */
void lsp_sync_classify(const struct lsp_frame *frames, size_t nframes, enum lsp_side side,
		       unsigned int op, enum lsp_sync *sync, size_t *boundary, size_t *line);

/*
 * The first function beyond line @line of frame @frame that is no wrapper around a lock: the code that knows the
 * lock. If all are wrappers, it is the next function; if there is none, NULL.
 */
const char *lsp_sync_site(const struct lsp_frame *frames, size_t nframes, size_t frame, size_t line);

/*
 * Whether a primitive with this public function, of the file @path, is its word: a lock of the C library's or of one
 * that is built like it. Other libraries may let each thread sleep on a word of its own.
 */
bool lsp_sync_is_native(const char *function, const char *path);

#endif
