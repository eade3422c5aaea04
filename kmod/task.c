// SPDX-License-Identifier: GPL-2.0-only
#include "task.h"
#include "uapi/lockspan.h"

#include <linux/list.h>
#include <linux/log2.h>
#include <linux/rculist.h>
#include <linux/vmalloc.h>

struct lsp_task_bucket *lsp_task_buckets;
unsigned int lsp_task_shift;
static unsigned int bucket_bits;
static struct lsp_task *pool;
DEFINE_PER_CPU(struct lsp_task *, lsp_task_running);
static struct lsp_why_history *histories;	/* one for each record; NULL: not asked for */
static u32 pool_tasks;

/*
 * Entries that have left the table stay in limbo for a grace period. A waker may still be walking
 * their chain, and must not be led into another one.
 */
static DEFINE_RAW_SPINLOCK(free_lock);
static HLIST_HEAD(free_tasks);
static u32 nr_free;
static struct lsp_task *limbo_tasks;

int lsp_task_init(u32 tasks, bool why)
{
	u32 i;

	/* At least one bit, because a shift by 64 is undefined. */
	bucket_bits = max(ilog2(roundup_pow_of_two(tasks)), 1);
	lsp_task_shift = 64 - bucket_bits;
	pool_tasks = tasks;
	pool = vzalloc(array_size(tasks, sizeof(*pool)));
	lsp_task_buckets = vzalloc(sizeof(*lsp_task_buckets) << bucket_bits);
	histories = why ? vzalloc(array_size(tasks, sizeof(*histories))) : NULL;
	if (!pool || !lsp_task_buckets || (why && !histories)) {
		lsp_task_uninit();
		return -ENOMEM;
	}

	for (i = 0; i < 1U << bucket_bits; i++)
		raw_spin_lock_init(&lsp_task_buckets[i].lock);
	INIT_HLIST_HEAD(&free_tasks);
	limbo_tasks = NULL;
	nr_free = tasks;
	for_each_possible_cpu(i)
		per_cpu(lsp_task_running, i) = NULL;
	for (i = tasks; i-- > 0;) {
		raw_spin_lock_init(&pool[i].lock);
		pool[i].why = why ? &histories[i] : NULL;
		hlist_add_head(&pool[i].node, &free_tasks);
	}
	return 0;
}

void lsp_task_uninit(void)
{
	vfree(lsp_task_buckets);
	vfree(pool);
	vfree(histories);
	lsp_task_buckets = NULL;
	pool = NULL;
	histories = NULL;
	pool_tasks = 0;
}

u64 lsp_task_memory(void)
{
	u64 each = sizeof(*pool) + (histories ? sizeof(*histories) : 0);

	return pool ? pool_tasks * each + (sizeof(*lsp_task_buckets) << bucket_bits) : 0;
}

struct lsp_task *lsp_task_create(struct task_struct *task, bool spare)
{
	unsigned long stack = (unsigned long)task->stack;
	struct lsp_task_bucket *bucket;
	struct lsp_task *t = NULL;

	raw_spin_lock(&free_lock);
	if (free_tasks.first && (!spare || nr_free > pool_tasks / 4)) {
		t = hlist_entry(free_tasks.first, struct lsp_task, node);
		hlist_del(&t->node);
		nr_free--;
	}
	raw_spin_unlock(&free_lock);
	if (!t)
		return NULL;

	t->stack = stack;
	t->task = task;
	if (t->why)
		t->why->known = false;
	t->state = LSP_TASK_IDLE;
	t->outcome = LOCKSPAN_OUTCOME_COUNT;
	t->pi = false;
	t->q = NULL;
	t->key = NULL;

	bucket = lsp_task_bucket(stack);
	raw_spin_lock(&bucket->lock);
	hlist_add_head_rcu(&t->node, &bucket->tasks);
	raw_spin_unlock(&bucket->lock);
	return t;
}

void lsp_task_exit(struct task_struct *task)
{
	struct lsp_task_bucket *bucket;
	struct lsp_task *t;
	unsigned long flags;
	bool waits;

	/*
	 * Interrupts are off before the lookup. A tracepoint's callback may be preempted, and the
	 * chain must not change meanwhile.
	 */
	local_irq_save(flags);
	t = lsp_task_by_task(task);
	if (!t || t->task != task)
		goto out_irq;
	this_cpu_write(lsp_task_running, NULL);
	bucket = lsp_task_bucket(t->stack);
	raw_spin_lock(&bucket->lock);
	hlist_del_rcu(&t->node);
	raw_spin_unlock(&bucket->lock);

	raw_spin_lock(&t->lock);
	waits = lsp_task_waits(t);
	if (waits) {
		memcpy(t->comm, task->comm, sizeof(t->comm));
	} else {
		lsp_key_put(t->key);
		t->key = NULL;
		t->state = LSP_TASK_IDLE;
	}
	t->task = NULL;
	raw_spin_unlock(&t->lock);
	if (waits)
		goto out_irq;

	/* Walkers may still follow node.next, so the list of entries in limbo has a link of its own. */
	raw_spin_lock(&free_lock);
	t->limbo_next = limbo_tasks;
	limbo_tasks = t;
	raw_spin_unlock(&free_lock);
out_irq:
	local_irq_restore(flags);
}

void lsp_task_reclaim(void)
{
	struct lsp_task *gone, *next;

	raw_spin_lock_irq(&free_lock);
	gone = limbo_tasks;
	limbo_tasks = NULL;
	raw_spin_unlock_irq(&free_lock);
	if (!gone)
		return;

	synchronize_rcu();
	for (; gone; gone = next) {
		next = gone->limbo_next;
		raw_spin_lock_irq(&free_lock);
		hlist_add_head(&gone->node, &free_tasks);
		nr_free++;
		raw_spin_unlock_irq(&free_lock);
	}
}

void lsp_task_each(void (*visit)(struct lsp_task *t, void *arg), void *arg)
{
	u32 i;

	for (i = 0; i < pool_tasks; i++)
		if (READ_ONCE(pool[i].task) || lsp_task_waits(&pool[i]))
			visit(&pool[i], arg);
}
