// SPDX-License-Identifier: GPL-2.0-only
#include "maprec.h"

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>

#include "compat.h"
#include "counter.h"
#include "ring.h"
#include "uapi/lockspan.h"

static const char *path_of(struct file *file, char *buffer)
{
	const char *path = d_path(file_user_path(file), buffer, PATH_MAX);

	return IS_ERR_OR_NULL(path) ? "//anon" : path;
}

static const char *vma_path(struct vm_area_struct *vma, char *buffer)
{
	const char *path = NULL;

	if (vma->vm_file)
		return path_of(vma->vm_file, buffer);
	if (vma->vm_ops && vma->vm_ops->name)
		path = vma->vm_ops->name(vma);
	return path ? path : "//anon";
}

/* Reserves a record whose fixed part has @head bytes, and writes the path behind it. */
static struct lockspan_map *map_reserve(const struct lsp_maprec *m, u16 type, size_t head, const char *path)
{
	size_t path_bytes = strlen(path) + 1;
	u32 bytes = ALIGN(head + path_bytes, 8);
	struct lockspan_map *rec = lsp_ring_worker_reserve(bytes);

	if (!rec) {
		lsp_count(LOCKSPAN_C_LOST_MAP_RING);
		return NULL;
	}
	memset(rec, 0, bytes);
	rec->rec.bytes = bytes;
	rec->rec.type = type;
	rec->tgid = m->tgid;
	rec->generation = m->generation;
	memcpy((char *)rec + head, path, path_bytes);
	return rec;
}

static void file_tell(struct lockspan_map *rec, struct file *file)
{
	const struct inode *inode = file_user_inode(file);

	rec->ino = inode->i_ino;
	rec->dev_major = MAJOR(inode->i_sb->s_dev);
	rec->dev_minor = MINOR(inode->i_sb->s_dev);
}

void lsp_maprec_change(const struct lsp_maprec *m, const struct lsp_change *c)
{
	const char *path = c->file ? path_of(c->file, m->buffer) : c->name ? c->name : "//anon";
	struct lockspan_map *map = map_reserve(m, LOCKSPAN_REC_REMAP, sizeof(struct lockspan_remap), path);
	struct lockspan_remap *rec = container_of(map, struct lockspan_remap, map);

	if (!map)
		return;
	map->rec.flags = c->write ? LOCKSPAN_MAP_WRITE : 0;
	map->start = c->laid.start;
	map->end = c->laid.end;
	map->offset = c->offset;
	if (c->file)
		file_tell(map, c->file);
	map->generation = c->generation;
	rec->base = c->base;
	rec->base_tgid = c->base_tgid;
	lsp_ring_worker_commit(map->rec.bytes);
}

static void vma_send(const struct lsp_maprec *m, struct vm_area_struct *vma, u16 flags)
{
	struct lockspan_map *rec = map_reserve(m, LOCKSPAN_REC_MAP, sizeof(*rec), vma_path(vma, m->buffer));

	if (!rec)
		return;
	rec->rec.flags = flags | (vma->vm_flags & VM_WRITE && vma->vm_flags & VM_EXEC ?
				  LOCKSPAN_MAP_WRITE : 0) |
			 (vma->vm_flags & VM_EXEC ? 0 : LOCKSPAN_MAP_DATA);
	rec->start = vma->vm_start;
	rec->end = vma->vm_end;
	if (vma->vm_file) {
		rec->offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
		file_tell(rec, vma->vm_file);
	}
	lsp_ring_worker_commit(rec->rec.bytes);
}

/* Sends an empty record, which ends a set, or which stands for a set that cannot be read. */
static void set_end(const struct lsp_maprec *m, u16 flags)
{
	struct lockspan_map *rec = map_reserve(m, LOCKSPAN_REC_MAP, sizeof(*rec), "");

	if (!rec)
		return;
	rec->rec.flags = flags;
	lsp_ring_worker_commit(rec->rec.bytes);
}

void lsp_maprec_gone(const struct lsp_maprec *m)
{
	set_end(m, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_GONE);
}

static bool vma_wanted(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_EXEC || (vma->vm_file && vma->vm_flags & VM_WRITE);
}

u32 lsp_maprec_set(const struct lsp_maprec *m, struct mm_struct *mm, struct lsp_laid *ret, u32 room)
{
	LSP_VMA_ITERATOR(iter, mm);
	struct vm_area_struct *vma;
	u16 flags = LOCKSPAN_MAP_FIRST;
	u32 n = 0;

	lsp_for_each_vma(mm, vma, iter) {
		if (!vma_wanted(vma))
			continue;
		vma_send(m, vma, flags);
		flags = 0;
		if (vma->vm_flags & VM_EXEC && n < room)
			lsp_change_laid(vma, &ret[n++]);
	}
	set_end(m, flags | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_DATA);
	return n;
}
