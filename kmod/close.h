/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of waits that nobody ends: those that are open at STOP, and those whose thread
 * exits although the end of its wait was not seen. Each is told of exactly once.
 */
#ifndef _LSP_CLOSE_H
#define _LSP_CLOSE_H

#include "task.h"

/* From now on nothing is recorded; waits that are open end at @stop_ns, the time of STOP. */
void lsp_close_freeze(u64 stop_ns);

/*
 * The current task leaves its wait after the freeze, with its stack as it was while it waited: tells of
 * the wait as it stood at STOP. Without room in the ring it stays open for lsp_close_open(). The lock of
 * @t is held, interrupts are off.
 */
void lsp_close_own(struct lsp_task *t);

/*
 * The current task exits. A wait of it that is still open has ended at an unknown time while the
 * recording went on, and is kept for lsp_close_open() after it.
 */
void lsp_close_exit(struct task_struct *task);

/*
 * Tells of the wait of @t as it stood at STOP, whether its thread still sleeps, has run on or has
 * exited. Process context, the probes of waits and wakes are gone, exits are still heard of.
 */
void lsp_close_open(struct lsp_task *t);

#endif
