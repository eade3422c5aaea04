/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the memory and the mappings of another process. That must not take long. A page may have to
 * come from a disk, or from a server that does not answer, and whoever waits for it may keep the
 * mappings locked. Only the worker does this.
 */
#ifndef _LSP_REMOTE_H
#define _LSP_REMOTE_H

#include <linux/types.h>

struct mm_struct;

/*
 * A session begins. All copies of a session together may wait for pages only for a limited time,
 * which starts anew here.
 */
void lsp_remote_init(void);

/* Locks the mappings for reading. May sleep. Returns false if others keep them locked. */
bool lsp_remote_lock(struct mm_struct *mm);

/* Copies up to @bytes bytes from @address. Returns how many could be read. May sleep. */
u32 lsp_remote_copy(struct mm_struct *mm, u64 address, void *to, u32 bytes);

#endif
