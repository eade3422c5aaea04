/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process's memory and mappings. Reading them must not take long: a page may have to come from a
 * disk, or from a server that does not answer, and whoever waits for the page may keep the mappings locked.
 * For the worker only.
 */
#ifndef _LSP_REMOTE_H
#define _LSP_REMOTE_H

#include <linux/types.h>

struct mm_struct;

/* A session begins: the time for which all its copies together may be waited for starts anew. */
void lsp_remote_init(void);

/* Locks the mappings for reading. May sleep. False: others keep them locked. */
bool lsp_remote_lock(struct mm_struct *mm);

/* Copies up to @bytes from @address, as many as can be read; returns how many. May sleep. */
u32 lsp_remote_copy(struct mm_struct *mm, u64 address, void *to, u32 bytes);

#endif
