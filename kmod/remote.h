/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process's memory and mappings, without waiting for either for long: a page may be on its
 * way from a disk, or from a server that is gone, and who waits for it may keep the mappings locked.
 * Worker only.
 */
#ifndef _LSP_REMOTE_H
#define _LSP_REMOTE_H

#include <linux/types.h>

struct mm_struct;

/* A session begins: all its copies together may be waited for so long. */
void lsp_remote_init(void);

/* Locks the mappings for reading. May sleep. False: others keep them locked. */
bool lsp_remote_lock(struct mm_struct *mm);

/* Copies @bytes from @address, as far as they can be had; returns how many. May sleep. */
u32 lsp_remote_copy(struct mm_struct *mm, u64 address, void *to, u32 bytes);

#endif
