/* SPDX-License-Identifier: GPL-2.0-only */
/* The current task's user stack by learned rules, and by what is remembered of such walks. */
#ifndef _LSP_UWALK_H
#define _LSP_UWALK_H

#include <linux/ptrace.h>
#include <linux/types.h>

/* Process context, may sleep. 0 or -ENOMEM. */
int lsp_uwalk_init(void);
void lsp_uwalk_uninit(void);
u64 lsp_uwalk_memory(void);

/* For the worker: empties the tables that have become full. May sleep (RCU). */
void lsp_uwalk_tidy(void);

/* A walk of the current stack. */
struct lsp_uwalk {
	u64 *room;		/* the caller's, of LSP_UWALK_ROOM_BYTES; @n addresses, innermost first */
	u32 generation;		/* of the process's mappings */
	u32 n;
	u32 window_bytes;	/* from rsp to the stack's end, or to the frame of the last address */
};

#define LSP_UWALK_FRAMES 256
#define LSP_UWALK_ROOM_BYTES (2 * 8 * LSP_UWALK_FRAMES)

/*
 * The name of a stack that has been walked before, recognised by the words that its walk
 * depended on; 0: unknown. Preemption off; @regs are the current task's at its system call.
 */
u64 lsp_uwalk_remembered(const struct pt_regs *regs, u32 generation);

/* Walks the stack. False: rules do not lead to its end, and @n addresses were walked. Context as above. */
bool lsp_uwalk_current(struct lsp_uwalk *w, const struct pt_regs *regs);

/* Remembers under @id what lsp_uwalk_current() has just walked to its end. */
void lsp_uwalk_remember(const struct lsp_uwalk *w, const struct pt_regs *regs, u64 id);

/* Walks the stack @id anew next time, 0 all of them. Any context. */
void lsp_uwalk_forget(u64 id);

#endif
