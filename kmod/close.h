/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * STOP: the freeze, from which on nothing new is recorded (lsp_close_freeze()), and the waits that are
 * open then. Each of these is reported exactly once.
 */
#ifndef _LSP_CLOSE_H
#define _LSP_CLOSE_H

#include "task.h"

/* From now on nothing new is recorded. Waits that are open end at @stop_ns, the time of STOP. */
void lsp_close_freeze(u64 stop_ns);

/*
 * Called after the freeze. A thread that was woken before it sends its own wait, with its stack,
 * when it runs. That is possible only while the probe of the end is there, and afterwards nobody
 * can read its stack. So this waits for such threads for a while. Process context, sleeps.
 */
void lsp_close_settle(void);

/*
 * The current task leaves its wait after the freeze, with the same stack as in the wait. Sends the
 * wait as it was at STOP. If the ring has no room, the wait stays open for lsp_close_open(). The
 * lock of @t is held, interrupts are off.
 */
void lsp_close_own(struct lsp_task *t);

/*
 * Sends the wait of @t as it was at STOP, whether its thread still sleeps, has run on or has exited.
 * Process context; the probes of waits and wakes have been removed, that of exits has not.
 */
void lsp_close_open(struct lsp_task *t);

#endif
