/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The waker's side: releases, and waiters that are moved to another key. All functions run in probe
 * context, in the waker.
 */
#ifndef _LSP_WAKE_H
#define _LSP_WAKE_H

#include <linux/sched.h>

/* The current task takes @q off its queue. */
void lsp_wake_q(const void *q);

/* The current task hands a PI mutex to @task, for the first time or again, or wakes it for another reason. */
void lsp_wake_pi(struct task_struct *task);

/*
 * The current task requeues waiters. From now on waits may end on another key than the one on which
 * they began.
 */
void lsp_wake_requeues(void);

/*
 * The current task moves @task, which sleeps in WAIT_REQUEUE_PI, to @lock, the PI mutex that its
 * own call names.
 */
void lsp_wake_requeue_pi(struct task_struct *task, const void *lock);

/*
 * The current task wakes @task by its state. FUTEX_CMP_REQUEUE_PI does so to give the waiter a mutex that was free. A
 * change of priority does so when a mutex that is on its way to one waiter goes to another one.
 */
void lsp_wake_state(struct task_struct *task);

/* Process context, between sessions. */
void lsp_wake_reset(void);

#endif
