/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies the lowest part of the current task's user stack (the window) into buffers of this CPU, and recognises that a
 * window is the same as the one before.
 */
#ifndef _LSP_UWINDOW_H
#define _LSP_UWINDOW_H

#include <linux/ptrace.h>
#include <linux/types.h>

#define LSP_UWINDOW_BYTES 16384
#define LSP_UWINDOW_DEEP_BYTES 65536	/* for processes whose stacks end beyond that */

/* Process context, may sleep. Returns 0 or -ENOMEM. */
int lsp_uwindow_init(void);
void lsp_uwindow_uninit(void);
/* The bytes of the buffers of all CPUs. */
u64 lsp_uwindow_memory(void);

/* All functions below run in probe context with interrupts off. */

/* Returns room of LSP_UWALK_ROOM_BYTES for a walk. It is not part of the windows. */
u64 *lsp_uwindow_walk_room(void);

/*
 * Copies at most @bytes of the current task's stack at @sp to @to. The first absent page ends the
 * copy. Returns how many bytes were copied. If there are none, counts a fault.
 */
u32 lsp_uwindow_copy(void *to, u64 sp, u32 bytes);

struct lsp_uwindow {
	const u64 *words;
	u32 bytes;	/* how much was copied of what was asked for */
	u64 *spare;	/* room for as many words, which the next call overwrites */
	u64 same_id;	/* name of the last window, if it had the same words; else 0 */
};

/*
 * Copies the window that begins at the stack pointer of @regs. @text: what influences the name of
 * the stack besides its words. It is only compared.
 */
void lsp_uwindow_take(struct lsp_uwindow *w, const struct pt_regs *regs, u32 generation, const void *text,
		      bool deep);

/* The last window that was taken has got the name @id. */
void lsp_uwindow_named(u64 id);

#endif
