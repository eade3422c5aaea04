/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has become executable in a process since its mappings were last sent. It
 * is noted when it happens, because only then all of it is known, and is sent by
 * the worker later. A note has a reference to the file, so that the file's name
 * is known even when process and mapping are gone by then.
 */
#ifndef _LSP_CHANGE_H
#define _LSP_CHANGE_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "core/laid.h"

/* So many wait for the worker in one process, at most; one more, and its mappings are to be read. */
#define LSP_CHANGES_A_MAP 256

struct lsp_change {
	struct lsp_change *next;
	u32 generation;		/* that begins with it */
	u32 base;		/* generation before it; 0: nothing was executable before */
	u32 base_tgid;
	struct lsp_laid laid;	/* empty: a copy of the base, by fork */
	u64 offset;
	struct file *file;	/* with a reference, or NULL */
	const char *name;	/* of a mapping of the kernel's own, or NULL */
	bool write;
};

/* Process context, may sleep. 0 or -ENOMEM. All must have been put before the end. */
int lsp_change_init(void);
void lsp_change_uninit(void);
u64 lsp_change_memory(void);

/* A note of @vma, or of nothing if that is NULL. NULL: none is left. Any context; the caller holds a raw lock. */
struct lsp_change *lsp_change_get(struct vm_area_struct *vma);

/* Gives a list of notes back. Process context. */
void lsp_change_put(struct lsp_change *c);

/* Where @vma lies, and the number of its content. */
void lsp_change_laid(struct vm_area_struct *vma, struct lsp_laid *ret);

#endif
