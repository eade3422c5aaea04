/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of the lowest part of the current task's user stack, in buffers of this CPU. */
#ifndef _LSP_UWINDOW_H
#define _LSP_UWINDOW_H

#include <linux/ptrace.h>
#include <linux/types.h>

#define LSP_UWINDOW_BYTES 16384
#define LSP_UWINDOW_DEEP_BYTES 65536	/* of processes whose stacks end beyond that */

/* Process context, may sleep. 0 or -ENOMEM. */
int lsp_uwindow_init(void);
void lsp_uwindow_uninit(void);
/* Bytes, of all CPUs. */
u64 lsp_uwindow_memory(void);

/*
 * From here on: probe context, interrupts off.
 */

/* Room of LSP_UWALK_ROOM_BYTES for a walk, beside the windows. */
u64 *lsp_uwindow_walk_room(void);

/*
 * Copies at most @bytes of the current task's stack at @sp to @to; the first absent page ends the
 * copy. Returns how many, and counts a fault when there are none.
 */
u32 lsp_uwindow_copy(void *to, u64 sp, u32 bytes);

struct lsp_uwindow {
	const u64 *words;
	u32 bytes;	/* copied of what was asked for */
	u64 *spare;	/* room for as many words: overwritten by the next call */
	u64 same_id;	/* the name of the last stack here when that had the same words; 0: it had not */
};

/*
 * Copies the window that begins at the stack pointer of @regs. @text: whatever decides besides the
 * words how the stack is named, compared only.
 */
void lsp_uwindow_take(struct lsp_uwindow *w, const struct pt_regs *regs, u32 generation, const void *text,
		      bool deep);

/* The window that was taken last has been named @id. */
void lsp_uwindow_named(u64 id);

#endif
