/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes the user stack of a task, as a STACK record, and gives the stack its name. Knows which stacks were sent lately,
 * so that they need not be sent again, and forgets that when it is told to.
 */
#ifndef _LSP_USTACK_H
#define _LSP_USTACK_H

#include <linux/sched.h>
#include <linux/types.h>

#include "uapi/lockspan.h"

/* Whether this module has the mode. */
bool lsp_ustack_supported(u32 mode);

/*
 * Process context, may sleep. @mode is a supported one. With @both each stack is taken by learned
 * rules and by copying. Returns 0 or -ENOMEM.
 */
int lsp_ustack_init(u32 mode, bool both);
void lsp_ustack_uninit(void);
u64 lsp_ustack_memory(void);

/*
 * The next event with the stack @id sends the stack again. All that knows the stack by this name forgets it: the table
 * of stacks that were sent, and the memo of walks (uwalk.h). Any context.
 */
void lsp_ustack_forget(u64 id);
/* The same for all stacks. */
void lsp_ustack_forget_all(void);

/* Used only by the function below. */
extern u32 lsp_ustack_mode;
u64 lsp_ustack_take(void);

/*
 * Puts the current task's user stack into this CPU's ring. Returns its name, or 0 if stacks are off
 * or the ring has no room (counted). Probe context: never sleeps and takes no fault.
 */
static inline u64 lsp_ustack_current(void)
{
	return lsp_ustack_mode == LOCKSPAN_STACK_NONE ? 0 : lsp_ustack_take();
}

/*
 * The same for another task, which sleeps, and into the worker's ring. @regs: its user registers.
 * They lie on its kernel stack, and the caller has read them while it kept the task from exiting.
 * @nvcsw: its voluntary context switches before it went to sleep. Returns 0 also if the task has
 * run since then. Process context, may sleep.
 */
u64 lsp_ustack_sleeping(struct task_struct *task, const struct pt_regs *regs, unsigned long nvcsw);

#endif
