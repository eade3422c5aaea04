// SPDX-License-Identifier: GPL-2.0-only
#include "uwindow.h"

#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "counter.h"
#include "uwalk.h"

/*
 * Each CPU has two windows, used in turn, so that the last one is still there for comparison. A
 * task that wakes many waiters in one call then has its stack filtered and named only once.
 */
struct windows {
	u64 *room[2];
	u64 *walk_room;
	u32 at;		/* which of the rooms has the last window */
	u32 bytes;
	u32 generation;
	bool deep;
	const void *text;
	u64 sp;
	u64 ip;
	u64 id;		/* name of the last window, 0 none */
};

static struct windows __percpu *windows;

#define CPU_BYTES (2 * LSP_UWINDOW_DEEP_BYTES + LSP_UWALK_ROOM_BYTES)

void lsp_uwindow_uninit(void)
{
	int cpu;

	if (windows)
		for_each_possible_cpu(cpu)
			kvfree(per_cpu_ptr(windows, cpu)->room[0]);
	free_percpu(windows);
	windows = NULL;
}

int lsp_uwindow_init(void)
{
	int cpu;

	windows = alloc_percpu(struct windows);
	if (!windows)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct windows *w = per_cpu_ptr(windows, cpu);

		w->room[0] = kvmalloc_node(CPU_BYTES, GFP_KERNEL, cpu_to_node(cpu));
		if (!w->room[0]) {
			lsp_uwindow_uninit();
			return -ENOMEM;
		}
		w->room[1] = w->room[0] + LSP_UWINDOW_DEEP_BYTES / 8;
		w->walk_room = w->room[1] + LSP_UWINDOW_DEEP_BYTES / 8;
	}
	return 0;
}

u64 lsp_uwindow_memory(void)
{
	return windows ? (u64)num_possible_cpus() * CPU_BYTES : 0;
}

u64 *lsp_uwindow_walk_room(void)
{
	return this_cpu_ptr(windows)->walk_room;
}

static bool user_copy(void *to, u64 from, u32 bytes)
{
	return lsp_user_page_present(from) && !copy_from_user_nofault(to, (const void __user *)from, bytes);
}

/* Copies page by page, beginning at @done, up to the first absent page. Returns the end of what was copied. */
static u32 pages_copy(void *to, u64 sp, u32 done, u32 bytes)
{
	u32 n;

	for (; done < bytes; done += n) {
		n = min_t(u32, bytes - done, PAGE_SIZE - offset_in_page(sp + done));
		if (!user_copy(to + done, sp + done, n))
			break;
	}
	return done;
}

u32 lsp_uwindow_copy(void *to, u64 sp, u32 bytes)
{
	u32 done = pages_copy(to, sp, 0, bytes);

	if (!done)
		lsp_count(LOCKSPAN_C_STACK_FAULT);
	return done;
}

/*
 * Copies like lsp_uwindow_copy(), but counts absent pages as zeros and goes on behind them. Such
 * pages lie in a large array to most of which nothing was ever written. Only one gap is passed
 * over: behind the end of the stack there also are absent pages, and after them memory that is not
 * the stack's.
 */
static u32 copy_over(void *to, u64 sp, u32 bytes)
{
	u32 done = lsp_uwindow_copy(to, sp, bytes), next = done;
	u64 word;

	while (next < bytes && !user_copy(&word, sp + next, sizeof(word)))
		next += PAGE_SIZE - offset_in_page(sp + next);
	if (!done || next >= bytes)
		return done;
	memset(to + done, 0, next - done);
	return pages_copy(to, sp, next, bytes);
}

void lsp_uwindow_take(struct lsp_uwindow *window, const struct pt_regs *regs, u32 generation, const void *text,
		      bool deep)
{
	struct windows *w = this_cpu_ptr(windows);
	u64 *last = w->room[w->at], *room = w->room[w->at ^ 1];
	u32 done;

	done = deep ? copy_over(room, regs->sp, LSP_UWINDOW_DEEP_BYTES) :
		      lsp_uwindow_copy(room, regs->sp, LSP_UWINDOW_BYTES);
	*window = (struct lsp_uwindow){ .words = room, .bytes = done, .spare = last };
	w->at ^= 1;
	/*
	 * The generation tells the stack from one of another process. Stacks without a generation
	 * are not compared.
	 */
	if (w->id && generation && w->sp == regs->sp && w->ip == regs->ip && w->generation == generation &&
	    w->text == text && w->deep == deep && w->bytes == done && !memcmp(room, last, done)) {
		window->same_id = w->id;
		return;
	}
	w->bytes = done;
	w->generation = generation;
	w->deep = deep;
	w->text = text;
	w->sp = regs->sp;
	w->ip = regs->ip;
	w->id = 0;
}

void lsp_uwindow_named(u64 id)
{
	this_cpu_ptr(windows)->id = id;
}
