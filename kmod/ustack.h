/* SPDX-License-Identifier: GPL-2.0-only */
/* The user stack of a task, as a STACK record. */
#ifndef _LSP_USTACK_H
#define _LSP_USTACK_H

#include <linux/sched.h>
#include <linux/types.h>

#include "uapi/lockspan.h"

/* A mode that this module has. */
bool lsp_ustack_supported(u32 mode);

/*
 * Process context, may sleep. @mode is a supported one; @both takes each stack by
 * learned rules and by copying. 0 or -ENOMEM.
 */
int lsp_ustack_init(u32 mode, bool both);
void lsp_ustack_uninit(void);
u64 lsp_ustack_memory(void);

/* The next event with the stack @id carries it again. Any context. */
void lsp_ustack_forget(u64 id);
/* The same for every stack. */
void lsp_ustack_forget_all(void);

/* By the function below only. */
extern u32 lsp_ustack_mode;
u64 lsp_ustack_take(void);

/*
 * Puts the current task's user stack into this CPU's ring and returns its
 * name, or 0 when stacks are off or there was no room (counted). Probe
 * context: never sleeps, never faults.
 */
static inline u64 lsp_ustack_current(void)
{
	return lsp_ustack_mode == LOCKSPAN_STACK_NONE ? 0 : lsp_ustack_take();
}

/*
 * The same for another task that sleeps, into the worker's ring. @regs: its user
 * registers, which lie on its kernel stack; the caller has read them while it kept the task from
 * exiting. Process context, may sleep. 0 also when the task has run meanwhile (@nvcsw is
 * its count of voluntary switches before it went to sleep).
 */
u64 lsp_ustack_sleeping(struct task_struct *task, const struct pt_regs *regs, unsigned long nvcsw);

#endif
