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
 * Two windows by turns: the last one stays, so that a task which wakes many waiters in one call has its
 * stack filtered and named once.
 */
struct windows {
	u64 *room[2];
	u64 *walk_room;
	u32 at;		/* of the last window */
	u32 bytes;
	u32 generation;
	bool deep;
	const void *text;
	u64 sp;
	u64 ip;
	u64 id;		/* 0: there is none */
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

/* From @done on page by page: the first absent one ends the copy, what came before it stays. Returns where. */
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
 * The same beyond absent pages, as below a frame with an array of which nothing was ever written: they
 * are zeros. Once: behind the stack's own end absent pages are followed by what is another's.
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
	/* Without a generation only the process tells the stack from its neighbour's. */
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
