/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks at the entries of functions, without kprobes. They use the call that the compiler has put
 * there for ftrace. A kprobe at the same place takes three times as long. Hooks are for the few
 * functions that every wait goes through.
 */
#ifndef _LSP_HOOK_H
#define _LSP_HOOK_H

#include <linux/ftrace.h>

struct ftrace_regs;

/*
 * A hook is called at the entry of a function, in the context of its caller, and leaves preemption
 * as it is. It reads the function's arguments by lsp_hook_argument().
 */
typedef void (*lsp_hook)(struct ftrace_regs *regs);

#define LSP_HOOKS_MAX 4

/* Whether this kernel can have hooks. */
bool lsp_hook_supported(void);

/* Adds @hook for the next arming. @entry is the address of ftrace's call in the function. */
void lsp_hook_add(unsigned long entry, lsp_hook hook);

/* Replaces the function of the @n-th hook, from 0, while it is armed. */
void lsp_hook_change(unsigned int n, lsp_hook hook);

/*
 * Arms all hooks that were added, at one moment. Process context, may sleep. Returns 0, -ENXIO
 * while kernel.ftrace_enabled is 0, or an error of ftrace's.
 */
int lsp_hook_arm(void);

/* When this returns, no hook is running. No hook may be added afterwards. Process context, may sleep. */
void lsp_hook_disarm(void);

/*
 * For a session without hooks. Until unguard, ftrace cannot be turned off, because kprobes need it.
 * Process context, may sleep. Returns the same errors; with -ENXIO kprobes would not be called.
 */
int lsp_hook_guard(void);
void lsp_hook_unguard(void);

#endif
