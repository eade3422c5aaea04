// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "change.h"
#include "compat.h"
#include "counter.h"
#include "maprec.h"
#include "remote.h"
#include "ring.h"
#include "text.h"
#include "uapi/lockspan.h"

#define PROCESSES 4096
#define BUCKET_BITS 10
/* How long the worker works at mappings without a pause, one process more or less. Rings and STOP wait for it. */
#define UPDATE_JIFFIES (HZ / 20 + 1)
/* The mappings of one process are read whole at most once in this time. Its changes are sent at once. */
#define READ_JIFFIES (HZ / 10 + 1)
/* A process with more mappings than this has not just been loaded. */
#define ALONE_MAPS 8

/*
 * One memory map. A struct lsp_mm holds a reference to its mm_struct, and none to what is mapped. So a
 * process that ends gives back memory and program at once, however late the worker looks at it.
 */
struct lsp_mm {
	struct hlist_node node;
	struct mm_struct *mm;		/* held by mm_count: the address cannot be reused */
	u32 tgid;
	u32 generation;			/* of the present mappings; each change raises it */
	u32 sent;			/* generation that was sent last; worker only */
	u32 read;			/* generation that was read whole last; worker only */
	bool wanted;			/* a stack needs the mappings, or soon will */
	bool deep;			/* its stacks do not fit into the usual window */
	bool forked;			/* its first generation is a change of its parent's */
	u32 nlost;			/* changes since the last reading that found no room */
	unsigned long read_jiffies;	/* not read again before this time */
	unsigned long added_jiffies;
	struct lsp_change *changes;	/* noted and not yet in @text, oldest first */
	struct lsp_change **changes_end;
	u32 nchanges;
	struct lsp_text __rcu *text;	/* what was executable in the generation that it names */
	struct lsp_mm *gone_next;	/* worker only; readers may still follow @node */
};

static struct lsp_mm *pool;
static DEFINE_RAW_SPINLOCK(lock);	/* protects pool, the lists, and the chains against other writers */
static struct hlist_head buckets[1 << BUCKET_BITS];
static HLIST_HEAD(free_mms);
static u32 generations;
static bool due;
static unsigned long swept_jiffies;
static u32 update_next;		/* where the worker goes on when it had no time for all */
static bool later;		/* some mappings are to be read, but not yet; worker only */
static unsigned long later_jiffies;

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
	if (lsp_change_init())
		return -ENOMEM;
	pool = vzalloc(array_size(PROCESSES, sizeof(*pool)));
	if (!pool) {
		lsp_change_uninit();
		return -ENOMEM;
	}
	INIT_HLIST_HEAD(&free_mms);
	memset(buckets, 0, sizeof(buckets));
	for (i = PROCESSES; i-- > 0;)
		hlist_add_head(&pool[i].node, &free_mms);
	generations = 0;
	due = false;
	later = false;
	swept_jiffies = jiffies;
	update_next = 0;
	return 0;
}

void lsp_maps_uninit(void)
{
	u32 i;

	irq_work_sync(&wake_work);
	for (i = 0; pool && i < PROCESSES; i++) {
		lsp_change_put(pool[i].changes);
		if (pool[i].mm)
			mmdrop(pool[i].mm);
		lsp_text_free(rcu_dereference_protected(pool[i].text, true));
	}
	vfree(pool);
	pool = NULL;
	lsp_change_uninit();
}

/* What remains of an ended process that is still referenced: mm_struct, CPU mask, root of page tables. */
static u64 gone_bytes(void)
{
	bool two_roots = IS_ENABLED(CONFIG_PAGE_TABLE_ISOLATION) || IS_ENABLED(CONFIG_MITIGATION_PAGE_TABLE_ISOLATION);
	u32 i, n = 0;

	for (i = 0; i < PROCESSES; i++) {
		/* Interrupts wait while the lock is held, so it is taken anew for each record. */
		raw_spin_lock_irq(&lock);
		if (pool[i].mm && !atomic_read(&pool[i].mm->mm_users))
			n++;
		raw_spin_unlock_irq(&lock);
	}
	return n * (u64)(sizeof(struct mm_struct) + cpumask_size() + (PAGE_SIZE << two_roots));
}

u64 lsp_maps_memory(void)
{
	if (!pool)
		return 0;
	return PROCESSES * sizeof(*pool) + lsp_change_memory() + lsp_text_memory() + gone_bytes();
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

/* Notes that @base became the generation of @m by adding @vma. The lock is held. */
static void change_add(struct lsp_mm *m, struct vm_area_struct *vma, u32 base, u32 base_tgid)
{
	struct lsp_change *c = m->nchanges < LSP_CHANGES_A_MAP ? lsp_change_get(vma) : NULL;

	if (!c) {
		WRITE_ONCE(m->nlost, m->nlost + 1);
		if (m->wanted)
			lsp_count(LOCKSPAN_C_LOST_REMAP);
		return;
	}
	c->generation = m->generation;
	c->base = base;
	c->base_tgid = base_tgid;
	*m->changes_end = c;
	m->changes_end = &c->next;
	WRITE_ONCE(m->nchanges, m->nchanges + 1);
}

/* What is known of a memory map when it is met for the first time. */
struct mm_start {
	bool whole;			/* nothing is executable in it but @vma, or what is in @parent */
	bool wanted;
	struct vm_area_struct *vma;
	const struct lsp_mm *parent;
};

static struct lsp_mm *mm_add(struct mm_struct *mm, u32 tgid, const struct mm_start *start)
{
	struct lsp_mm *m;
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	/* Another thread may have added it already. */
	m = mm_find(mm);
	if (!m && free_mms.first) {
		m = hlist_entry(free_mms.first, struct lsp_mm, node);
		hlist_del(&m->node);
		mmgrab(mm);
		m->mm = mm;
		m->tgid = tgid;
		m->generation = ++generations;
		m->sent = 0;
		m->read = 0;
		m->wanted = start->wanted;
		m->deep = start->parent && start->parent->deep;
		m->forked = start->parent;
		m->nlost = !start->whole;
		m->added_jiffies = jiffies;
		/* A process that has just begun is known by its changes, and often ends soon. It is read later. */
		m->read_jiffies = start->whole ? jiffies + READ_JIFFIES : jiffies;
		m->changes = NULL;
		m->changes_end = &m->changes;
		m->nchanges = 0;
		if (start->whole)
			change_add(m, start->vma, start->parent ? start->parent->generation : 0,
				   start->parent ? start->parent->tgid : tgid);
		hlist_add_head_rcu(&m->node, mm_bucket(mm));
		WRITE_ONCE(due, true);
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	return m;
}

void lsp_maps_of(struct mm_struct *mm, u32 tgid, struct lsp_maps_view *ret)
{
	static const struct mm_start met = { .whole = false };
	struct lsp_mm *m = mm_find(mm);
	const struct lsp_text *text;

	if (!m)
		m = mm_add(mm, tgid, &met);
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
		WRITE_ONCE(due, true);
		/* The process may end soon, and then its mappings can no longer be read. */
		irq_work_queue(&wake_work);
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

/* Whether @vma is the only executable mapping. Then the process has just begun. */
static bool vma_is_alone(struct vm_area_struct *vma)
{
	LSP_VMA_ITERATOR(iter, vma->vm_mm);
	struct vm_area_struct *other;

	if (vma->vm_mm->map_count > ALONE_MAPS)
		return false;
	lsp_for_each_vma(vma->vm_mm, other, iter)
		if (other != vma && other->vm_flags & VM_EXEC)
			return false;
	return true;
}

/* Whether @vma's range has held the same executable content since its last change. The lock is held. */
static bool change_is_none(const struct lsp_mm *m, struct vm_area_struct *vma)
{
	const struct lsp_text *text = rcu_dereference_check(m->text, true);
	const struct lsp_change *c;
	struct lsp_laid laid;
	int known = -1;

	/* After a loss, text and notes do not say what is there. */
	if (m->nlost)
		return false;
	lsp_change_laid(vma, &laid);
	for (c = m->changes; c; c = c->next)
		if (lsp_laid_meets(&laid, &c->laid))
			known = lsp_laid_within(&laid, &c->laid);
	return known < 0 ? text && lsp_laid_covers(text->laid, text->n, &laid) : known;
}

void lsp_maps_changed(struct vm_area_struct *vma, bool recorded, bool expected)
{
	struct mm_start start = { .vma = vma, .wanted = expected };
	struct lsp_mm *m = mm_find(vma->vm_mm);
	unsigned long flags;
	u32 base;

	if (!m && recorded) {
		start.whole = vma_is_alone(vma);
		mm_add(vma->vm_mm, current->tgid, &start);
	}
	if (!m)
		return;
	raw_spin_lock_irqsave(&lock, flags);
	/* Just-in-time compilers make the same pages executable again and again. */
	if (!change_is_none(m, vma)) {
		base = m->generation;
		WRITE_ONCE(m->generation, ++generations);
		change_add(m, vma, base, m->tgid);
		WRITE_ONCE(due, true);
		if (m->wanted && m->nchanges == LSP_CHANGES_A_MAP / 4)
			irq_work_queue(&wake_work);
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}

void lsp_maps_forked(const struct mm_struct *parent, struct mm_struct *child, u32 tgid)
{
	struct mm_start start = { .whole = true };
	struct lsp_mm *m;

	if (!parent || !child || parent == child)
		return;
	m = mm_find(parent);
	if (!m || !(READ_ONCE(m->wanted) || m->forked))
		return;
	/* The child's generation refers to the parent's, so the parent's is sent as well. */
	if (!READ_ONCE(m->wanted)) {
		WRITE_ONCE(m->wanted, true);
		WRITE_ONCE(due, true);
	}
	start.parent = m;
	mm_add(child, tgid, &start);
}

/* ---- the worker ---- */

/* Removes the first @n changes, which are now part of the text. */
static void changes_drop(struct lsp_mm *m, u32 n)
{
	struct lsp_change *first, **last = &first;

	raw_spin_lock_irq(&lock);
	first = m->changes;
	for (m->nchanges -= n; n; n--)
		last = &(*last)->next;
	m->changes = *last;
	if (!m->changes)
		m->changes_end = &m->changes;
	*last = NULL;
	raw_spin_unlock_irq(&lock);
	lsp_change_put(first);
}

static void changes_send(const struct lsp_mm *m, u32 n, char *buffer)
{
	const struct lsp_maprec rec = { .tgid = m->tgid, .buffer = buffer };
	const struct lsp_change *c = m->changes;

	for (; n; n--, c = c->next)
		lsp_maprec_change(&rec, c);
}

/* Sends what is known of @m. With @read its mappings, locked by mm_lock(), are read and unlocked. */
static void mm_tell(struct lsp_mm *m, char *buffer, bool read)
{
	struct lsp_text *old = rcu_dereference_protected(m->text, true), *text;
	struct lsp_maprec rec = { .tgid = m->tgid, .buffer = buffer };
	struct lsp_laid *laid = NULL;
	u32 n, nlost, nlaid = 0, room = 0;
	bool unknown;

	/* While the map is locked its generation stays the same, so what is read belongs to it. */
	raw_spin_lock_irq(&lock);
	rec.generation = m->generation;
	nlost = m->nlost;
	n = m->nchanges;
	raw_spin_unlock_irq(&lock);
	changes_send(m, n, buffer);
	if (read) {
		room = min(m->mm->map_count + 1, LSP_TEXT_MAX);
		laid = kvmalloc_array(room, sizeof(*laid), GFP_KERNEL);
		nlaid = lsp_maprec_set(&rec, m->mm, laid, laid ? room : 0);
		m->read = rec.generation;
		m->read_jiffies = jiffies + READ_JIFFIES;
		mmap_read_unlock(m->mm);
	}
	m->sent = rec.generation;
	/*
	 * What a child has from its parent is in none of its changes. A text without that would leave out all words of
	 * its stacks but what the changes added.
	 */
	unknown = m->forked && !old && !laid;
	/* After a loss, too, a text can only be made of mappings that were read. */
	text = !unknown && (!nlost || laid) ? lsp_text_make(nlost ? NULL : old, m->changes, n, laid, nlaid) : NULL;
	kvfree(laid);
	if (text) {
		text->generation = rec.generation;
		rcu_assign_pointer(m->text, text);
		lsp_text_free(old);
	}
	raw_spin_lock_irq(&lock);
	/* Beside an older text, or when there was no memory for one, change_is_none() cannot tell what is no change. */
	if (!text && (nlost || read || !unknown))
		m->nlost++;
	else if (m->nlost == nlost)
		m->nlost = 0;
	raw_spin_unlock_irq(&lock);
	changes_drop(m, n);
}

/* Locks @m for reading. False: the process has ended, or others hold the lock; then tried again, if not @last. */
static bool mm_lock(struct lsp_mm *m, bool last)
{
	if (!mmget_not_zero(m->mm))
		return false;
	if (lsp_remote_lock(m->mm))
		return true;
	mmput(m->mm);
	if (last) {
		m->read = READ_ONCE(m->generation);
		lsp_count(LOCKSPAN_C_LOST_MAP_LOCK);
	} else {
		WRITE_ONCE(due, true);
	}
	return false;
}

static void mm_update(struct lsp_mm *m, char *buffer, bool last)
{
	const struct lsp_maprec rec = { .tgid = m->tgid, .generation = m->generation };
	/* If nothing else tells what is mapped, the first reading must not be delayed. */
	bool wait = time_before(jiffies, m->read_jiffies) && (m->read || !READ_ONCE(m->nlost));
	bool read = m->read != READ_ONCE(m->generation);

	if (read && wait) {
		if (!later || time_before(m->read_jiffies, later_jiffies))
			later_jiffies = m->read_jiffies;
		later = true;
	}
	read = read && !wait && mm_lock(m, last);
	/* The changes that were lost of an ended process cannot be known any more. */
	if (!read && READ_ONCE(m->nlost) && m->sent != rec.generation && !atomic_read(&m->mm->mm_users))
		lsp_maprec_gone(&rec);
	if (read || READ_ONCE(m->nchanges) || m->sent != READ_ONCE(m->generation))
		mm_tell(m, buffer, read);
	if (read)
		mmput(m->mm);
}

/* The process has ended, and all its stacks are in the rings already. Takes @m out of the table. */
static void mm_unlink(struct lsp_mm *m, struct lsp_mm **gone)
{
	raw_spin_lock_irq(&lock);
	hlist_del_rcu(&m->node);
	raw_spin_unlock_irq(&lock);
	m->gone_next = *gone;
	*gone = m;
}

/* Frees the memory maps in @gone after one grace period for all of them. */
static void mms_free(struct lsp_mm *gone)
{
	struct lsp_mm *m, *next;
	struct mm_struct *mm;

	if (!gone)
		return;
	synchronize_rcu();
	for (m = gone; m; m = next) {
		next = m->gone_next;
		/* A probe found @m before it was taken out, and wants its mappings: they are still to be sent. */
		if (READ_ONCE(m->wanted) && m->sent != m->generation) {
			raw_spin_lock_irq(&lock);
			hlist_add_head_rcu(&m->node, mm_bucket(m->mm));
			raw_spin_unlock_irq(&lock);
			WRITE_ONCE(due, true);
			continue;
		}
		changes_drop(m, m->nchanges);
		lsp_text_free(rcu_dereference_protected(m->text, true));
		RCU_INIT_POINTER(m->text, NULL);
		mm = m->mm;
		raw_spin_lock_irq(&lock);
		WRITE_ONCE(m->mm, NULL);
		hlist_add_head(&m->node, &free_mms);
		raw_spin_unlock_irq(&lock);
		/* This comes last, because gone_bytes() looks at the mm of every struct lsp_mm that is not free. */
		mmdrop(mm);
	}
}

/* Returns false if the worker's ring has no room for the mappings now. */
static bool mm_visit(struct lsp_mm *m, char *buffer, bool sweep, bool last, struct lsp_mm **gone)
{
	if (!READ_ONCE(m->mm))
		return true;
	if (READ_ONCE(m->wanted) &&
	    (m->sent != READ_ONCE(m->generation) || m->read != m->sent)) {
		if (!lsp_ring_worker_room())
			return false;
		mm_update(m, buffer, last);
	}
	/* Taken out: an ended process that has been sent, or one that no stack asked for within a second. */
	if (sweep && (READ_ONCE(m->wanted) ? m->sent == READ_ONCE(m->generation) && !atomic_read(&m->mm->mm_users) :
		      time_after(jiffies, m->added_jiffies + HZ)))
		mm_unlink(m, gone);
	return true;
}

bool lsp_maps_update(bool last)
{
	bool sweep = time_after(jiffies, swept_jiffies + HZ);
	unsigned long until = jiffies + UPDATE_JIFFIES;
	struct lsp_mm *gone = NULL;
	char *buffer;
	u32 n;

	if (!READ_ONCE(due) && !sweep && !(later && time_after_eq(jiffies, later_jiffies)))
		return true;
	buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buffer)
		return false;
	/* Cleared before the loop, so that whatever becomes due during the loop sets it again. */
	xchg(&due, false);
	later = false;
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
