/* SPDX-License-Identifier: GPL-2.0-only */
/* Walks the current task's user stack by learned rules, and recognises stacks that were walked before. */
#ifndef _LSP_UWALK_H
#define _LSP_UWALK_H

#include <linux/ptrace.h>
#include <linux/types.h>

/* Process context, may sleep. Returns 0 or -ENOMEM. */
int lsp_uwalk_init(void);
void lsp_uwalk_uninit(void);
u64 lsp_uwalk_memory(void);

/* Called by the worker: empties the memo if it is full. May sleep (RCU). */
void lsp_uwalk_tidy(void);

/* A walk of the current stack. */
struct lsp_uwalk {
	u64 *room;		/* LSP_UWALK_ROOM_BYTES of the caller's, with @n addresses, innermost first */
	u32 generation;		/* generation of the process's mappings */
	u32 n;
	u32 window_bytes;	/* from rsp to the end of the stack, or to the frame of the last address */
};

#define LSP_UWALK_FRAMES 256
#define LSP_UWALK_ROOM_BYTES (2 * 8 * LSP_UWALK_FRAMES)

/*
 * Returns the name of a stack that was walked before, or 0. It is recognised by the words on which
 * its walk depended. Preemption is off. @regs are the current task's at its system call.
 */
u64 lsp_uwalk_remembered(const struct pt_regs *regs, u32 generation);

/*
 * Walks the stack. Returns false if the rules do not lead to its end; then @n addresses were
 * walked. Context as above.
 */
bool lsp_uwalk_current(struct lsp_uwalk *w, const struct pt_regs *regs);

/* Remembers under the name @id the walk that lsp_uwalk_current() has just made to the end of the stack. */
void lsp_uwalk_remember(const struct lsp_uwalk *w, const struct pt_regs *regs, u64 id);

/* The stack @id is walked anew next time; with 0 all stacks are. Any context. */
void lsp_uwalk_forget(u64 id);

#endif
