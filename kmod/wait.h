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

/* Enters @t into the ledger of its key now. Its lock is held, interrupts are off. */
void lsp_wait_enqueue(struct lsp_task *t);

/* Looks at the current task's @q, whoever it is, for what futexq.h needs to find once. After the sleep. */
void lsp_wait_learn(const void *q);

/* It has left it. */
void lsp_wait_end(struct lsp_task *t);

/* The same where only @q is known: the current task's wait on it, if it is one that is observed and open. */
void lsp_wait_end_q(const void *q);

/* And where only the call is, by its result: ends its wait for a requeue if that has not ended yet. */
void lsp_wait_end_requeue_pi(long result);

/*
 * The current task's record @t is to be given up: a wait of it that is still open has ended at a time that
 * nobody saw, and is told of as that. Its lock is held, interrupts are off.
 */
void lsp_wait_finish(struct lsp_task *t);

/* The current task asks io_uring to wait for it: counted, not observed. */
void lsp_wait_io_uring(void);

/*
 * False from the moment of STOP on: handlers leave everything as it was then,
 * although the probes take a while to go.
 */
extern bool lsp_wait_recording;

/* Open waits on PI mutexes or on their way there, and of futex_waitv: let wakers skip what cannot be theirs. */
extern atomic_t lsp_wait_pi_open;
extern atomic_t lsp_wait_vector_open;

#endif
