/* SPDX-License-Identifier: GPL-2.0-only */
/* The waiter's side of a span: enq and run. All functions run in probe context, in the waiter. */
#ifndef _LSP_WAIT_H
#define _LSP_WAIT_H

#include "task.h"

/*
 * The current task is about to put @q on a queue, where a waker could find it
 * before the blocking function begins. If the task then does not wait, nothing
 * has to be undone: its next wait overwrites the entry.
 */
void lsp_wait_prepare(const void *q);

struct hrtimer_sleeper;

/*
 * The current task enters the blocking function. It waits with its queue entry @q or on the PI mutex @lock;
 * the other of the two is NULL. @to is its timer, or NULL. Returns the task's entry for lsp_wait_end(), or
 * NULL when this wait is not observed (counted).
 */
struct lsp_task *lsp_wait_begin(const void *q, const void *lock, const struct hrtimer_sleeper *to);

/* Adds the wait of @t to the ledger of its key now. The lock of @t is held, interrupts are off. */
void lsp_wait_enqueue(struct lsp_task *t);

/*
 * Finds the layout of the kernel's queue entries (futexq.h, once) in the current task's entry @q, after its sleep.
 * The task need not be observed.
 */
void lsp_wait_learn(const void *q);

/* The current task has left the blocking function. @t is the entry that lsp_wait_begin() returned. */
void lsp_wait_end(struct lsp_task *t);

/*
 * The same for a caller that knows only @q. Ends the current task's wait on @q, if that wait is
 * observed and still open.
 */
void lsp_wait_end_q(const void *q);

/*
 * The same for a caller that knows only the @result of the call. Ends the task's WAIT_REQUEUE_PI,
 * if it is still open.
 */
void lsp_wait_end_requeue_pi(long result);

/*
 * The current task @task exits. If its wait is still open, its end was missed, and it is sent with the outcome ERROR.
 * After the freeze an open wait is left to lsp_close_open().
 */
void lsp_wait_exit(struct task_struct *task);

/* The current task lets io_uring wait in its place. Such a wait is counted, and not observed. */
void lsp_wait_io_uring(void);

#endif
