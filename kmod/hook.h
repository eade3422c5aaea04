/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks at the entries of functions, without kprobes: the call that the compiler put
 * there for ftrace leads to the hook. A kprobe at the same place takes three times as
 * long. Hooks are for the few functions that every wait goes through.
 */
#ifndef _LSP_HOOK_H
#define _LSP_HOOK_H

#include <linux/ftrace.h>

struct ftrace_regs;

/* Called at a function's entry, in its caller's context; preemption is as it was. Reads arguments by lsp_hook_argument(). */
typedef void (*lsp_hook)(struct ftrace_regs *regs);

#define LSP_HOOKS_MAX 4

/* Whether this kernel can have hooks. */
bool lsp_hook_supported(void);

/* Adds @hook at @entry, the address of ftrace's call in a function, to what is armed next. */
void lsp_hook_add(unsigned long entry, lsp_hook hook);

/*
 * Arms all that have been added at once. Process context, may sleep. 0, -ENXIO while
 * kernel.ftrace_enabled is 0, or an error of ftrace's.
 */
int lsp_hook_arm(void);

/* When it returns, no hook runs any more. No hook may be added after it. Process context, may sleep. */
void lsp_hook_disarm(void);

/*
 * For a session without hooks: keeps ftrace, which kprobes need, from being turned off until
 * unguard. Process context, may sleep. Errors as above; with -ENXIO kprobes would not be called.
 */
int lsp_hook_guard(void);
void lsp_hook_unguard(void);

#endif
