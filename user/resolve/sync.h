/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The class of what a stack waits for or releases, and where the library's
 * inside ends and the program's call begins. Decided by names alone, from the
 * leaf outwards, so that it works on stripped libraries too.
 */
#ifndef LSP_RESOLVE_SYNC_H
#define LSP_RESOLVE_SYNC_H

#include <stddef.h>

#include "trace.h"

/*
 * Classes the stack @frames (leaf first, uncut) of the @side given. @op is the
 * waiter's enum lockspan_op, LOCKSPAN_OP_OTHER when unknown: it tells the wait
 * of a condition variable from that for its mutex where the frames between
 * have no names.
 *
 * *@boundary is the index of the first frame to show: the public call
 * (pthread_mutex_lock). *@line is how many of that frame's lines, counted from
 * the innermost inlined, belong to the library's inside too; it is less than
 * nlines. Both are 0 when nothing was recognised, and *@sync is OTHER then.
 */
void lsp_sync_classify(const struct lsp_frame *frames, size_t nframes, enum lsp_side side,
		       unsigned int op, enum lsp_sync *sync, size_t *boundary, size_t *line);

#endif
