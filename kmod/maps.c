// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kdev_t.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "counter.h"
#include "remote.h"
#include "ring.h"
#include "uapi/lockspan.h"

#define PROCESSES 4096
#define BUCKET_BITS 10
#define TEXT_MAX 65536
/* The worker does nothing else for so long at a time, give or take one process: rings and STOP wait for it. */
#define UPDATE_JIFFIES (HZ / 20 + 1)

struct lsp_mm {
	struct hlist_node node;
	struct mm_struct *mm;		/* held by mm_count: the address cannot be reused */
	u32 tgid;
	u32 generation;			/* of the mappings as they are; raised by a change */
	u32 sent;			/* generation last sent; worker only */
	bool wanted;			/* a stack has asked for it */
	bool deep;			/* its stacks do not fit into the usual window */
	bool held;			/* kept whole until the worker has read it: mm_users counts us */
	struct lsp_text __rcu *text;	/* of some generation, this one when it was read */
	struct lsp_mm *gone_next;	/* worker only: node is still walked over */
};

static struct lsp_mm *pool;
static DEFINE_RAW_SPINLOCK(lock);	/* for pool, lists and writers of the chains */
static struct hlist_head buckets[1 << BUCKET_BITS];
static HLIST_HEAD(free_mms);
static u32 generations;
static u64 text_bytes;
static bool due;
static unsigned long swept_jiffies;
static u32 update_next;		/* where the worker goes on; it had no time for all */

static void (*worker_wake)(void);

static void wake_run(struct irq_work *unused)
{
	worker_wake();
}

static DEFINE_IRQ_WORK(wake_work, wake_run);

int lsp_maps_init(void (*wake)(void))
{
	u32 i;

	worker_wake = wake;
	pool = vzalloc(array_size(PROCESSES, sizeof(*pool)));
	if (!pool)
		return -ENOMEM;
	INIT_HLIST_HEAD(&free_mms);
	memset(buckets, 0, sizeof(buckets));
	for (i = PROCESSES; i-- > 0;)
		hlist_add_head(&pool[i].node, &free_mms);
	generations = 0;
	text_bytes = 0;
	due = false;
	swept_jiffies = jiffies;
	update_next = 0;
	return 0;
}

void lsp_maps_uninit(void)
{
	u32 i;

	irq_work_sync(&wake_work);
	for (i = 0; pool && i < PROCESSES; i++) {
		if (pool[i].held)
			mmput(pool[i].mm);
		if (pool[i].mm)
			mmdrop(pool[i].mm);
		kvfree(rcu_dereference_protected(pool[i].text, true));
	}
	vfree(pool);
	pool = NULL;
}

u64 lsp_maps_memory(void)
{
	return pool ? PROCESSES * sizeof(*pool) + READ_ONCE(text_bytes) : 0;
}

/* What readers may still have seen is freed after a grace period, which nobody waits for. */
static void text_free(struct lsp_text *text)
{
	if (!text)
		return;
	WRITE_ONCE(text_bytes, text_bytes - struct_size(text, ranges, text->room));
	kvfree_rcu(text, rcu);
}

static struct hlist_head *mm_bucket(const struct mm_struct *mm)
{
	return &buckets[hash_ptr(mm, BUCKET_BITS)];
}

static struct lsp_mm *mm_find(const struct mm_struct *mm)
{
	struct lsp_mm *m;

	hlist_for_each_entry_rcu(m, mm_bucket(mm), node, true)
		if (READ_ONCE(m->mm) == mm)
			return m;
	return NULL;
}

static struct lsp_mm *mm_add(struct mm_struct *mm, u32 tgid)
{
	struct lsp_mm *m;
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	/* Another thread may have been first. */
	m = mm_find(mm);
	if (!m && free_mms.first) {
		m = hlist_entry(free_mms.first, struct lsp_mm, node);
		hlist_del(&m->node);
		mmgrab(mm);
		m->mm = mm;
		m->tgid = tgid;
		m->generation = ++generations;
		m->sent = 0;
		m->wanted = false;
		m->deep = false;
		hlist_add_head_rcu(&m->node, mm_bucket(mm));
		WRITE_ONCE(due, true);
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	return m;
}

/*
 * The worker is to read these mappings soon; the process may be gone before
 * its turn, and its mappings with it but for this.
 */
static void mm_hold(struct lsp_mm *m)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	if (!m->held && m->mm && mmget_not_zero(m->mm))
		m->held = true;
	raw_spin_unlock_irqrestore(&lock, flags);
	WRITE_ONCE(due, true);
	irq_work_queue(&wake_work);
}

/* Process context: what is put may be the last of the mappings. */
static void mm_release(struct lsp_mm *m)
{
	bool held;

	raw_spin_lock_irq(&lock);
	held = m->held;
	m->held = false;
	raw_spin_unlock_irq(&lock);
	if (held)
		mmput(m->mm);
}

void lsp_maps_of(struct mm_struct *mm, u32 tgid, struct lsp_maps_view *ret)
{
	struct lsp_mm *m = mm_find(mm);
	const struct lsp_text *text;

	if (!m)
		m = mm_add(mm, tgid);
	if (!m) {
		*ret = (struct lsp_maps_view){ .tgid = tgid };
		return;
	}
	ret->tgid = m->tgid;
	ret->generation = READ_ONCE(m->generation);
	text = rcu_dereference_check(m->text, true);
	ret->text = text && text->generation == ret->generation ? text : NULL;
	ret->deep = READ_ONCE(m->deep);
	if (!READ_ONCE(m->wanted)) {
		WRITE_ONCE(m->wanted, true);
		if (!ret->text)
			mm_hold(m);
	}
}

void lsp_maps_current(struct lsp_maps_view *ret)
{
	lsp_maps_of(current->mm, current->tgid, ret);
}

u32 lsp_maps_generation(void)
{
	const struct lsp_mm *m = mm_find(current->mm);

	return m && READ_ONCE(m->wanted) ? READ_ONCE(m->generation) : 0;
}

void lsp_maps_deepen(u32 tgid)
{
	u32 i;

	raw_spin_lock_irq(&lock);
	for (i = 0; pool && i < PROCESSES; i++)
		if (pool[i].mm && pool[i].tgid == tgid)
			WRITE_ONCE(pool[i].deep, true);
	raw_spin_unlock_irq(&lock);
}

void lsp_maps_changed(bool expected)
{
	struct lsp_mm *m = current->mm ? mm_find(current->mm) : NULL;
	unsigned long flags;

	if (!m && expected && current->mm)
		mm_add(current->mm, current->tgid);
	if (!m)
		return;
	raw_spin_lock_irqsave(&lock, flags);
	WRITE_ONCE(m->generation, ++generations);
	WRITE_ONCE(due, true);
	raw_spin_unlock_irqrestore(&lock, flags);
	/* A process that is still being linked changes often: one reading a turn will do. */
	if (READ_ONCE(m->wanted))
		mm_hold(m);
}

static const char *vma_path(struct vm_area_struct *vma, char *buffer)
{
	const char *path = NULL;

	if (vma->vm_file)
		path = d_path(file_user_path(vma->vm_file), buffer, PATH_MAX);
	else if (vma->vm_ops && vma->vm_ops->name)
		path = vma->vm_ops->name(vma);
	return IS_ERR_OR_NULL(path) ? "//anon" : path;
}

static struct lockspan_map *map_reserve(const struct lsp_mm *m, u32 generation, size_t path_bytes)
{
	u32 bytes = ALIGN(sizeof(struct lockspan_map) + path_bytes, 8);
	struct lockspan_map *rec = lsp_ring_worker_reserve(bytes);

	if (!rec) {
		lsp_count(LOCKSPAN_C_LOST_MAP_RING);
		return NULL;
	}
	memset(rec, 0, bytes);
	rec->rec.bytes = bytes;
	rec->rec.type = LOCKSPAN_REC_MAP;
	rec->tgid = m->tgid;
	rec->generation = generation;
	return rec;
}

static void vma_send(const struct lsp_mm *m, u32 generation, struct vm_area_struct *vma,
		     char *buffer, u16 flags)
{
	const char *path = vma_path(vma, buffer);
	size_t path_bytes = strlen(path) + 1;
	struct lockspan_map *rec = map_reserve(m, generation, path_bytes);

	if (!rec)
		return;
	rec->rec.flags = flags | (vma->vm_flags & VM_WRITE && vma->vm_flags & VM_EXEC ?
				  LOCKSPAN_MAP_WRITE : 0) |
			 (vma->vm_flags & VM_EXEC ? 0 : LOCKSPAN_MAP_DATA);
	rec->start = vma->vm_start;
	rec->end = vma->vm_end;
	if (vma->vm_file) {
		const struct inode *inode = file_user_inode(vma->vm_file);

		rec->offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
		rec->ino = inode->i_ino;
		rec->dev_major = MAJOR(inode->i_sb->s_dev);
		rec->dev_minor = MINOR(inode->i_sb->s_dev);
	}
	memcpy(rec + 1, path, path_bytes);
	lsp_ring_worker_commit(rec->rec.bytes);
}

/* An empty record that ends a set, or stands for one that cannot be read any more. */
static void set_end(const struct lsp_mm *m, u32 generation, u16 flags)
{
	struct lockspan_map *rec = map_reserve(m, generation, 1);

	if (!rec)
		return;
	rec->rec.flags = flags;
	lsp_ring_worker_commit(rec->rec.bytes);
}

static bool vma_wanted(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_EXEC || (vma->vm_file && vma->vm_flags & VM_WRITE);
}

static struct lsp_text *mappings_read(struct lsp_mm *m, u32 generation, char *buffer)
{
	LSP_VMA_ITERATOR(iter, m->mm);
	struct vm_area_struct *vma;
	struct lsp_text *text;
	u16 flags = LOCKSPAN_MAP_FIRST;
	u32 room = min(m->mm->map_count + 1, TEXT_MAX);

	/* map_count can only change under the lock for writing, which the caller excludes. */
	text = kvmalloc(struct_size(text, ranges, room), GFP_KERNEL);
	if (!text)
		return NULL;
	text->generation = generation;
	text->room = room;
	text->n = 0;
	lsp_for_each_vma(m->mm, vma, iter) {
		if (!vma_wanted(vma))
			continue;
		vma_send(m, generation, vma, buffer, flags);
		flags = 0;
		if (vma->vm_flags & VM_EXEC && text->n < room)
			text->ranges[text->n++] = (struct lsp_range){ vma->vm_start, vma->vm_end };
	}
	set_end(m, generation, flags | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_DATA);
	WRITE_ONCE(text_bytes, text_bytes + struct_size(text, ranges, room));
	return text;
}

/* False: they are locked, and @last is not set. */
static bool mm_update(struct lsp_mm *m, char *buffer, bool last)
{
	u32 generation = READ_ONCE(m->generation);
	struct lsp_text *old = rcu_dereference_protected(m->text, true), *text;

	if (!mmget_not_zero(m->mm)) {
		m->sent = generation;
		set_end(m, generation, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_GONE);
		return true;
	}
	if (!lsp_remote_lock(m->mm)) {
		mmput(m->mm);
		if (last) {
			m->sent = generation;
			lsp_count(LOCKSPAN_C_LOST_MAP_LOCK);
		}
		return last;
	}
	m->sent = generation;
	text = mappings_read(m, generation, buffer);
	mmap_read_unlock(m->mm);
	mmput(m->mm);
	if (!text)
		return true;
	rcu_assign_pointer(m->text, text);
	text_free(old);
	return true;
}

/* The process is gone and its stacks can only be in the rings: it is not found any more. */
static void mm_unlink(struct lsp_mm *m, struct lsp_mm **gone)
{
	raw_spin_lock_irq(&lock);
	hlist_del_rcu(&m->node);
	raw_spin_unlock_irq(&lock);
	m->gone_next = *gone;
	*gone = m;
}

/* One grace period for them all; their places are free then. */
static void mms_free(struct lsp_mm *gone)
{
	struct lsp_mm *m;

	if (!gone)
		return;
	synchronize_rcu();
	for (m = gone; m; m = m->gone_next) {
		text_free(rcu_dereference_protected(m->text, true));
		RCU_INIT_POINTER(m->text, NULL);
		mmdrop(m->mm);
		raw_spin_lock_irq(&lock);
		WRITE_ONCE(m->mm, NULL);
		hlist_add_head(&m->node, &free_mms);
		raw_spin_unlock_irq(&lock);
	}
}

/* False: there is no room for its mappings now. */
static bool mm_visit(struct lsp_mm *m, char *buffer, bool sweep, bool last, struct lsp_mm **gone)
{
	if (!READ_ONCE(m->mm))
		return true;
	if (m->sent != READ_ONCE(m->generation)) {
		if (!lsp_ring_worker_room())
			return false;
		if (mm_update(m, buffer, last))
			mm_release(m);
		else
			/* The others have their turn all the same. */
			WRITE_ONCE(due, true);
	} else if (READ_ONCE(m->held)) {
		mm_release(m);
	} else if (sweep && !atomic_read(&m->mm->mm_users)) {
		mm_unlink(m, gone);
	}
	return true;
}

bool lsp_maps_update(bool last)
{
	bool sweep = time_after(jiffies, swept_jiffies + HZ);
	unsigned long until = jiffies + UPDATE_JIFFIES;
	struct lsp_mm *gone = NULL;
	char *buffer;
	u32 n;

	if (!READ_ONCE(due) && !sweep)
		return true;
	buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buffer)
		return false;
	/* Cleared before the look: what becomes due meanwhile sets it again. */
	xchg(&due, false);
	for (n = 0; n < PROCESSES; n++) {
		if (time_after(jiffies, until) || !mm_visit(&pool[update_next], buffer, sweep, last, &gone)) {
			WRITE_ONCE(due, true);
			break;
		}
		update_next = (update_next + 1) % PROCESSES;
	}
	mms_free(gone);
	if (sweep && n == PROCESSES)
		swept_jiffies = jiffies;
	kfree(buffer);
	return !READ_ONCE(due);
}
