/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints of the scheduler: arms them, and notes by them what each observed thread does. Gives the parts of
 * a release's hold charge to whoever writes its record. core/why.h does the arithmetic.
 */
#ifndef _LSP_WHY_H
#define _LSP_WHY_H

#include <linux/types.h>

#include "core/why.h"
#include "task.h"

/* Finds the tracepoints, when the module is loaded. Returns 0 or -ENOENT. */
int lsp_why_init(void);

/* Makes room for what all threads did, if a session asks why holds were long. Process context. Returns 0 or -ENOMEM. */
int lsp_why_times_init(bool wanted);
void lsp_why_times_uninit(void);
u64 lsp_why_times_memory(void);

/* A session begins at @start_ns, before lsp_span_recording is set, and is frozen at @stop_ns, before it is cleared. */
void lsp_why_start(u64 start_ns);
void lsp_why_freeze(u64 stop_ns);

/* The current task @task exits; to be called before lsp_task_exit(). Any context. */
void lsp_why_exit(struct task_struct *task);

/*
 * Sends what all threads did, if the session asks. No handler runs any more. @room makes room in the
 * worker's ring. Worker context.
 */
void lsp_why_times_send(void (*room)(void));

/*
 * Arms and disarms the tracepoints, if the session asks. After disarm handlers may still run, until
 * tracepoint_synchronize_unregister() returns. Process context.
 */
int lsp_why_arm(void);
void lsp_why_disarm(void);

/* Used only by the function below. */
u32 lsp_why_parts_seldom(const struct lsp_why_hold *hold, const struct lsp_why_crowd *crowd, struct lockspan_why_part *to,
			 u16 *flags);

/*
 * The current thread has ended @hold by a release. Puts the parts of its charge to @to, where there is room for LSP_WHY_PARTS,
 * and returns how many there are. @crowd, *@flags: as in lsp_why_split(). Interrupts are off.
 */
static __always_inline u32 lsp_why_parts(const struct lsp_why_hold *hold, const struct lsp_why_crowd *crowd,
					 struct lockspan_why_part *to, u16 *flags)
{
	const struct lsp_task *t = this_cpu_read(lsp_task_running);
	u32 parts = 0;

	*flags = 0;
	if (likely(t && t->task == current))
		parts = lsp_why_split_short(t->why, crowd, hold, to);
	return likely(parts) ? parts : lsp_why_parts_seldom(hold, crowd, to, flags);
}

#endif
