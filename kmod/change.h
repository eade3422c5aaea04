/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of a process's executable mappings that have not been sent yet: what has become executable. A
 * struct lsp_change is filled in when the change happens, because only then everything about it is
 * known. The worker sends it later. It holds a reference to the file, so the file's name is known even
 * if process and mapping are gone by then.
 */
#ifndef _LSP_CHANGE_H
#define _LSP_CHANGE_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "core/laid.h"

/* At most so many changes of one process wait for the worker. After one more, its mappings have to be read. */
#define LSP_CHANGES_A_MAP 256

struct lsp_change {
	struct lsp_change *next;
	u32 generation;		/* the generation that begins with this change */
	u32 base;		/* the generation before it; 0: nothing was executable before */
	u32 base_tgid;
	struct lsp_laid laid;	/* what was added; empty: a copy of the base, by fork */
	u64 offset;
	struct file *file;	/* the file, with a reference, or NULL */
	const char *name;	/* the name of a mapping of the kernel's own, or NULL */
	bool write;
};

/* Process context, may sleep. Returns 0 or -ENOMEM. Before uninit all changes must have been put. */
int lsp_change_init(void);
void lsp_change_uninit(void);
u64 lsp_change_memory(void);

/*
 * Takes a free struct lsp_change and fills it in for the new executable mapping @vma. If @vma is NULL,
 * it stays empty. Returns NULL if none is free. Any context; the caller holds a raw lock.
 */
struct lsp_change *lsp_change_get(struct vm_area_struct *vma);

/* Gives back a list of changes. Process context. */
void lsp_change_put(struct lsp_change *c);

/* Fills @ret with the range of @vma and the number of its content. */
void lsp_change_laid(struct vm_area_struct *vma, struct lsp_laid *ret);

#endif
