// SPDX-License-Identifier: GPL-2.0-only
#include "change.h"

#include <linux/file.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "core/sparse.h"

#define CHANGES 8192

static struct lsp_change *pool;
static struct lsp_change *free_changes;
static DEFINE_RAW_SPINLOCK(lock);	/* innermost: no other lock is taken while it is held */

int lsp_change_init(void)
{
	u32 i;

	pool = vzalloc(array_size(CHANGES, sizeof(*pool)));
	if (!pool)
		return -ENOMEM;
	free_changes = NULL;
	for (i = CHANGES; i-- > 0;) {
		pool[i].next = free_changes;
		free_changes = &pool[i];
	}
	return 0;
}

void lsp_change_uninit(void)
{
	vfree(pool);
	pool = NULL;
	free_changes = NULL;
}

u64 lsp_change_memory(void)
{
	return pool ? CHANGES * sizeof(*pool) : 0;
}

static const char *kernel_name(struct vm_area_struct *vma)
{
	return vma->vm_ops && vma->vm_ops->name ? vma->vm_ops->name(vma) : NULL;
}

void lsp_change_laid(struct vm_area_struct *vma, struct lsp_laid *ret)
{
	const struct inode *inode;
	u64 what = 0;

	if (vma->vm_file) {
		inode = file_user_inode(vma->vm_file);
		what = lsp_print_fold(lsp_print_begin(inode->i_ino), inode->i_sb->s_dev);
		what = lsp_print_end(lsp_print_fold(what, ((u64)vma->vm_pgoff << PAGE_SHIFT) - vma->vm_start));
	} else if (kernel_name(vma)) {
		what = 1;
	}
	*ret = (struct lsp_laid){ vma->vm_start, vma->vm_end, what };
}

struct lsp_change *lsp_change_get(struct vm_area_struct *vma)
{
	struct lsp_change *c;

	raw_spin_lock(&lock);
	c = free_changes;
	if (c)
		free_changes = c->next;
	raw_spin_unlock(&lock);
	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	if (!vma)
		return c;
	lsp_change_laid(vma, &c->laid);
	c->write = vma->vm_flags & VM_WRITE;
	if (vma->vm_file) {
		c->file = get_file(vma->vm_file);
		c->offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	} else {
		c->name = kernel_name(vma);
	}
	return c;
}

void lsp_change_put(struct lsp_change *c)
{
	struct lsp_change *next;

	for (; c; c = next) {
		next = c->next;
		if (c->file)
			fput(c->file);
		raw_spin_lock_irq(&lock);
		c->next = free_changes;
		free_changes = c;
		raw_spin_unlock_irq(&lock);
	}
}
