// SPDX-License-Identifier: GPL-2.0-only
#include "ustack.h"

#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>

#include "counter.h"
#include "ring.h"

#define RAW_WINDOW_BYTES 8192
#define FP_FRAMES 128
#define STACK_MAX_BYTES (sizeof(struct lockspan_stack) + RAW_WINDOW_BYTES)

static u32 stack_mode;
static DEFINE_PER_CPU(u64, stack_count);

bool lsp_ustack_supported(u32 mode)
{
	return mode == LOCKSPAN_STACK_NONE || mode == LOCKSPAN_STACK_RAW ||
	       mode == LOCKSPAN_STACK_FP;
}

void lsp_ustack_mode_set(u32 mode)
{
	stack_mode = mode;
}

static void registers_read(u64 *to, const struct pt_regs *regs)
{
	/* DWARF's order, not the kernel's. */
	to[0] = regs->ax;
	to[1] = regs->dx;
	to[2] = regs->cx;
	to[3] = regs->bx;
	to[4] = regs->si;
	to[5] = regs->di;
	to[6] = regs->bp;
	to[7] = regs->sp;
	to[8] = regs->r8;
	to[9] = regs->r9;
	to[10] = regs->r10;
	to[11] = regs->r11;
	to[12] = regs->r12;
	to[13] = regs->r13;
	to[14] = regs->r14;
	to[15] = regs->r15;
	to[16] = regs->ip;
}

static void stack_begin(struct lockspan_stack *s, struct task_struct *task,
			const struct pt_regs *regs, u64 id)
{
	s->rec.type = LOCKSPAN_REC_STACK;
	s->rec.flags = user_64bit_mode((struct pt_regs *)regs) ? 0 : LOCKSPAN_STACK_COMPAT;
	s->id = id;
	registers_read(s->regs, regs);
	s->tgid = task->tgid;
	s->tid = task->pid;
	s->generation = 0;
	s->mode = stack_mode;
	s->window_bytes = 0;
	s->payload_bytes = 0;
}

/* Length of the record, its padding cleared. */
static u32 stack_end(struct lockspan_stack *s)
{
	u32 padded = ALIGN(s->payload_bytes, 8);

	memset((u8 *)(s + 1) + s->payload_bytes, 0, padded - s->payload_bytes);
	s->rec.bytes = sizeof(*s) + padded;
	return s->rec.bytes;
}

/* Page by page: the first absent one ends the copy, what came before it stays. */
static void raw_copy(struct lockspan_stack *s)
{
	u64 sp = s->regs[LOCKSPAN_REG_RSP];
	u8 *to = (u8 *)(s + 1);
	u32 done = 0, n;

	while (done < RAW_WINDOW_BYTES) {
		n = min_t(u32, RAW_WINDOW_BYTES - done, PAGE_SIZE - offset_in_page(sp + done));
		if (copy_from_user_nofault(to + done, (const void __user *)(sp + done), n))
			break;
		done += n;
	}
	s->window_bytes = done;
	s->payload_bytes = done;
	s->rec.flags |= done < RAW_WINDOW_BYTES ? LOCKSPAN_STACK_CUT : LOCKSPAN_STACK_FULL;
	if (!done)
		lsp_count(LOCKSPAN_C_STACK_FAULT);
}

static void fp_walk(struct lockspan_stack *s)
{
	u64 *to = (u64 *)(s + 1);
	u64 frame[2], bp = s->regs[LOCKSPAN_REG_RBP], sp = s->regs[LOCKSPAN_REG_RSP];
	u32 n = 0;

	while (n < FP_FRAMES && bp >= sp && !(bp & 7)) {
		if (copy_from_user_nofault(frame, (const void __user *)bp, sizeof(frame))) {
			s->rec.flags |= LOCKSPAN_STACK_CUT;
			break;
		}
		to[n++] = frame[1];
		sp = bp + sizeof(frame);
		bp = frame[0];
	}
	s->payload_bytes = n * sizeof(*to);
}

u64 lsp_ustack_current(void)
{
	struct lockspan_stack *s;
	u64 id;

	if (stack_mode == LOCKSPAN_STACK_NONE || !current->mm)
		return 0;
	s = lsp_ring_reserve(STACK_MAX_BYTES);
	if (!s) {
		lsp_count(LOCKSPAN_C_LOST_STACK_RING);
		return 0;
	}
	/* Ids of the raw kind are a count within a CPU; the worker's have the top number. */
	id = ((u64)(smp_processor_id() + 1) << 40) | (this_cpu_inc_return(stack_count));
	stack_begin(s, current, task_pt_regs(current), id);
	if (stack_mode == LOCKSPAN_STACK_FP)
		fp_walk(s);
	else
		raw_copy(s);
	lsp_ring_commit(stack_end(s));
	return id;
}

/* Whether @task is in the same sleep still. */
static bool task_sleeps(struct task_struct *task, unsigned long nvcsw)
{
	return READ_ONCE(task->nvcsw) - nvcsw <= 1 && !READ_ONCE(task->on_cpu);
}

u64 lsp_ustack_sleeping(struct task_struct *task, unsigned long nvcsw)
{
	static u64 count;
	struct lockspan_stack *s;
	struct mm_struct *mm;
	u64 id = 0;
	int done;

	if (stack_mode == LOCKSPAN_STACK_NONE)
		return 0;
	mm = get_task_mm(task);
	if (!mm)
		return 0;
	s = lsp_ring_worker_reserve(STACK_MAX_BYTES);
	if (!s) {
		lsp_count(LOCKSPAN_C_LOST_STACK_RING);
		goto out_mm;
	}
	if (!task_sleeps(task, nvcsw))
		goto out_mm;

	stack_begin(s, task, task_pt_regs(task), ((u64)0xffffff << 40) | ++count);
	s->mode = LOCKSPAN_STACK_RAW;
	if (stack_mode != LOCKSPAN_STACK_RAW)
		s->rec.flags |= LOCKSPAN_STACK_FALLBACK;
	done = access_process_vm(task, s->regs[LOCKSPAN_REG_RSP], s + 1, RAW_WINDOW_BYTES, 0);
	s->payload_bytes = max(done, 0);
	s->window_bytes = s->payload_bytes;
	s->rec.flags |= done < RAW_WINDOW_BYTES ? LOCKSPAN_STACK_CUT : LOCKSPAN_STACK_FULL;

	if (task_sleeps(task, nvcsw)) {
		id = s->id;
		lsp_ring_worker_commit(stack_end(s));
	}
out_mm:
	mmput(mm);
	return id;
}
