/* SPDX-License-Identifier: GPL-2.0-only */
/* The waiter's side of a span: enq and run. All in probe context, in the waiter. */
#ifndef _LSP_WAIT_H
#define _LSP_WAIT_H

#include "task.h"

/*
 * The current task is about to queue @q where a waker could find it before the
 * blocking function begins. Costs nothing to take back: the next wait
 * overwrites it.
 */
void lsp_wait_prepare(const void *q);

struct hrtimer_sleeper;

/*
 * The current task enters the blocking function: with its queue entry @q, or on the PI mutex @lock, the
 * other one NULL; @to is its timer, NULL none. Returns its record for lsp_wait_end(), or NULL when this
 * wait is not observed (counted).
 */
struct lsp_task *lsp_wait_begin(const void *q, const void *lock, const struct hrtimer_sleeper *to);

/* Enters @t into the ledger of its key now. The lock of @t is held, interrupts are off. */
void lsp_wait_enqueue(struct lsp_task *t);

/*
 * Reads the current task's queue entry @q, after the sleep, for the layout that futexq.h has to find out once. The
 * task need not be observed.
 */
void lsp_wait_learn(const void *q);

/* The current task has left the blocking function; @t is what lsp_wait_begin() returned. */
void lsp_wait_end(struct lsp_task *t);

/* The same for a caller that knows only @q: ends the current task's wait on @q, if that is observed and open. */
void lsp_wait_end_q(const void *q);

/* The same for a caller that knows only the call's @result: ends the task's WAIT_REQUEUE_PI, if that is still open. */
void lsp_wait_end_requeue_pi(long result);

/*
 * Called before the current task's record @t is given up. A wait that is still open there has ended at a time that
 * nobody saw; it is sent as such. The lock of @t is held, interrupts are off.
 */
void lsp_wait_finish(struct lsp_task *t);

/* The current task has io_uring wait in its place. Such a wait is counted, and not observed. */
void lsp_wait_io_uring(void);

/*
 * False from the moment of STOP on: handlers leave everything as it was then,
 * although the probes take a while to go.
 */
extern bool lsp_wait_recording;

/*
 * The number of open waits that are on PI mutexes or on their way to one, and of those of futex_waitv. Where it is 0
 * wakers need not look for such waits.
 */
extern atomic_t lsp_wait_pi_open;
extern atomic_t lsp_wait_vector_open;

#endif
