// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code of the probes: while user memory is open it calls no function and takes no fault. The worker
 * replaces the memo under RCU. A probe that finds the memo's lock taken adds nothing to it.
 */
#include "uwalk.h"

#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "core/memo.h"
#include "rules.h"

/* A walk reads at most this far above rsp. */
#define WALK_BYTES 0x40000
/*
 * How many pages one walk may look up, where each page must be looked up first
 * (LSP_USER_PAGES_MAY_BE_ABSENT).
 */
#define WALK_PAGES 8
/*
 * Room for some 1,500 different stacks. A full memo is replaced by an empty one, at most once in
 * RENEW_JIFFIES.
 */
#define MEMO_BITS 15
#define RENEW_JIFFIES (10 * HZ)

static struct lsp_memo __rcu *memo;
static DEFINE_RAW_SPINLOCK(memo_lock);	/* taken by those who change the memo */
static unsigned long renewed_jiffies;

static struct lsp_memo *memo_create(void)
{
	struct lsp_memo *m = vzalloc(sizeof(*m) + (sizeof(m->nodes[0]) << MEMO_BITS));

	if (m)
		lsp_memo_init(m, MEMO_BITS);
	return m;
}

int lsp_uwalk_init(void)
{
	struct lsp_memo *m = memo_create();

	renewed_jiffies = jiffies;
	rcu_assign_pointer(memo, m);
	return m ? 0 : -ENOMEM;
}

void lsp_uwalk_uninit(void)
{
	/* The probes are gone, so nobody reads the memo. */
	vfree(rcu_dereference_protected(memo, true));
	RCU_INIT_POINTER(memo, NULL);
}

u64 lsp_uwalk_memory(void)
{
	return rcu_access_pointer(memo) ? sizeof(struct lsp_memo_node) << MEMO_BITS : 0;
}

void lsp_uwalk_tidy(void)
{
	struct lsp_memo *old = rcu_dereference_protected(memo, true), *fresh;

	if (!old || !lsp_memo_full(old) || time_before(jiffies, renewed_jiffies + RENEW_JIFFIES))
		return;
	fresh = memo_create();
	if (!fresh)
		return;
	renewed_jiffies = jiffies;
	rcu_assign_pointer(memo, fresh);
	synchronize_rcu();
	vfree(old);
}

void lsp_uwalk_forget(u64 id)
{
	struct lsp_memo *m;
	unsigned long flags;

	raw_spin_lock_irqsave(&memo_lock, flags);
	m = rcu_dereference_check(memo, true);
	if (m)
		lsp_memo_forget(m, id);
	raw_spin_unlock_irqrestore(&memo_lock, flags);
}

/* The part of the stack that may be read. */
struct window {
	u64 start;
	u64 bytes;
	/* The last page that was found present. Used only where absent pages must not be touched. */
	u64 page;
	u32 turns;	/* pages that may still be looked up */
};

/* Whether the word at @address may be read. Where absent pages must not be touched, looks up its page. */
static __always_inline bool window_turn(struct window *w, u64 address)
{
	u64 page = address & PAGE_MASK;
	bool present;

	if (!LSP_USER_PAGES_MAY_BE_ABSENT || likely(page == w->page))
		return true;
	if (!w->turns || ((address + sizeof(u64) - 1) & PAGE_MASK) != page)
		return false;
	w->turns--;
	/* No function may be called while user memory is open, so it is closed for the lookup. */
	user_read_access_end();
	present = lsp_user_page_present(page);
	if (present)
		w->page = page;
	return user_read_access_begin((const void __user *)w->start, w->bytes) && present;
}

static __always_inline bool window_read(void *arg, u64 address, u64 *ret)
{
	struct window *w = arg;

	if (address - w->start > w->bytes - sizeof(*ret) || !window_turn(w, address))
		return false;
	unsafe_get_user(*ret, (const u64 __user *)address, fault);
	return true;
fault:
	return false;
}

/* Sets the window that begins at @sp. Returns false if there is nothing to read. */
static __always_inline bool window_find(struct window *w, u64 sp)
{
	*w = (struct window){ .start = sp, .bytes = WALK_BYTES, .turns = WALK_PAGES };
	if (unlikely(sp >= TASK_SIZE_MAX - WALK_BYTES)) {
		if (sp >= TASK_SIZE_MAX - sizeof(u64))
			return false;
		w->bytes = TASK_SIZE_MAX - sp;
	}
	return true;
}

/* There is no check of the address: all words that were ever read lie within WALK_BYTES. */
static __always_inline bool remembered_read(void *arg, u64 address, u64 *ret)
{
	if (!window_turn(arg, address))
		return false;
	unsafe_get_user(*ret, (const u64 __user *)address, fault);
	return true;
fault:
	return false;
}

u64 lsp_uwalk_remembered(const struct pt_regs *regs, u32 generation)
{
	const struct lsp_memo *m = rcu_dereference_check(memo, true);
	const struct lsp_walk_frame f = { .ip = regs->ip, .sp = regs->sp, .bp = regs->bp };
	struct window w = { .start = f.sp, .bytes = WALK_BYTES, .turns = WALK_PAGES };
	u64 id = 0;

	if (unlikely(!m || f.sp >= TASK_SIZE_MAX - WALK_BYTES))
		return 0;
	pagefault_disable();
	if (likely(user_read_access_begin((const void __user *)f.sp, w.bytes))) {
		id = lsp_memo_walk(m, generation, &f, remembered_read, &w);
		user_read_access_end();
	}
	pagefault_enable();
	return id;
}

bool lsp_uwalk_current(struct lsp_uwalk *walk, const struct pt_regs *regs)
{
	const struct lsp_walk_table *table = lsp_rules_table();
	struct lsp_walk_frame f = {
		.ip = regs->ip, .sp = regs->sp, .bp = regs->bp, .bp_known = true,
	};
	bool whole = false;
	struct window w;

	walk->n = 0;
	walk->window_bytes = 0;
	/*
	 * This saves opening user memory for most of the stacks that cannot be walked: they have no
	 * rule for rip.
	 */
	if (!table || !lsp_walk_find(table, walk->generation, f.ip - 1) || !window_find(&w, f.sp))
		return false;
	pagefault_disable();
	if (user_read_access_begin((const void __user *)w.start, w.bytes)) {
		walk->n = lsp_walk_frames(table, walk->generation, &f, walk->room,
					  walk->room + LSP_UWALK_FRAMES, LSP_UWALK_FRAMES,
					  &whole, window_read, &w);
		user_read_access_end();
	}
	pagefault_enable();
	walk->window_bytes = min_t(u64, f.sp - w.start, WALK_BYTES);
	return whole;
}

void lsp_uwalk_remember(const struct lsp_uwalk *w, const struct pt_regs *regs, u64 id)
{
	struct lsp_memo *m;
	unsigned long flags;

	/* If the lock is taken the walk is not remembered now. The stack will come again. */
	if (!raw_spin_trylock_irqsave(&memo_lock, flags))
		return;
	m = rcu_dereference_check(memo, true);
	if (m)
		lsp_memo_learn(m, lsp_rules_table(), w->generation, regs->sp, w->room,
			       w->room + LSP_UWALK_FRAMES, w->n, id);
	raw_spin_unlock_irqrestore(&memo_lock, flags);
}
