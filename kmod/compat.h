/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that differs between the kernels in tests/kernels. The sources are written for the
 * newest of these kernels. The comment of a shim says from which version on it is not needed.
 */
#ifndef _LSP_COMPAT_H
#define _LSP_COMPAT_H

#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rtmutex.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/version.h>

/*
 * Linux kernel commit 9c5d03d36251 ("genetlink: start to validate reserved header bytes") (in
 * v6.1): a family that was written later names the first operation whose reserved header bytes are
 * checked.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
#define LSP_GENL_RESV_START_OP .resv_start_op = LOCKSPAN_CMD_START,
#else
#define LSP_GENL_RESV_START_OP
#endif

/*
 * Linux kernel commit 763ecb035029 ("mm: remove the vma linked list") (in v6.1): an iterator
 * replaces the list.
 */
#ifdef VMA_ITERATOR
#define lsp_for_each_vma(mm, vma, iter)	for_each_vma(iter, vma)
#define LSP_VMA_ITERATOR(name, mm)	VMA_ITERATOR(name, mm, 0)
#else
#define lsp_for_each_vma(mm, vma, iter)	for ((vma) = (mm)->mmap; (vma); (vma) = (vma)->vm_next)
#define LSP_VMA_ITERATOR(name, mm)	int __maybe_unused name
#endif

/*
 * A number for a memory map that no other one has had since the machine was started. The map's
 * address does not do, as it is soon used again. Only x86 has such a number. Elsewhere this is 0.
 */
#ifdef CONFIG_X86_64
#define lsp_mm_number(mm)	((u64)(mm)->context.ctx_id)
#else
#define lsp_mm_number(mm)	((void)(mm), 0ULL)
#endif

/*
 * Linux kernel commit def3ae83da02 ("fs: store real path instead of fake path in backing file
 * f_path"): the file of an overlay's mapping is the one in the layer below. These functions give
 * the file that /proc/PID/maps shows. Kernels older than v6.8 may lack them, and there the
 * mapping's own file is the one that is shown.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define file_user_path(file)	(&(file)->f_path)
#define file_user_inode(file)	file_inode(file)
#endif

/*
 * Linux kernel commit 830e6acc8a1c ("locking/rtmutex: Split out the inner parts of 'struct
 * rtmutex'") (in v5.15): the mutex of a PI futex has a type of its own.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
typedef struct rt_mutex_base lsp_futex_mutex;
#else
typedef struct rt_mutex lsp_futex_mutex;
#endif

/* Kernels without ftrace have no call at the entry of functions, and no name for its size. */
#ifdef MCOUNT_INSN_SIZE
#define LSP_ENTRY_CALL_BYTES MCOUNT_INSN_SIZE
#else
#define LSP_ENTRY_CALL_BYTES 0
#endif

/*
 * Linux kernel commit 02a474ca266a ("ftrace/x86: Allow for arguments to be passed in to ftrace_regs
 * by default") (in v5.11): before it, arguments cost as much as a kprobe. Linux kernel commit
 * 94d095ffa0e1 ("ftrace: abstract DYNAMIC_FTRACE_WITH_ARGS accesses") (in v6.2) added the name that
 * reads an argument.
 */
#if defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#define LSP_HOOKS
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define lsp_hook_argument(fregs, n) ftrace_regs_get_argument(fregs, n)
#else
#define lsp_hook_argument(fregs, n) regs_get_kernel_argument(&(fregs)->regs, n)
#endif
#else
#define lsp_hook_argument(fregs, n) ((void)(fregs), 0UL)
#endif

/*
 * Linux kernel commit d19ad0775dcd ("ftrace: Have the callbacks receive a struct ftrace_regs
 * instead of pt_regs") (in v5.11).
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
typedef struct ftrace_regs lsp_ftrace_regs;
#else
typedef struct pt_regs lsp_ftrace_regs;
#endif

/*
 * Linux kernel commit d741bf41d7c7 ("kprobes: Remove kretprobe hash") (in v5.11) added the function. It returns the
 * kretprobe that an instance belongs to.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
static inline struct kretprobe *get_kretprobe(struct kretprobe_instance *ri)
{
	return ri->rp;
}
#endif

/*
 * Linux kernel commit ca5e863233e8 ("mm/gup: remove vmas parameter from get_user_pages_remote()")
 * (in v6.5). Older kernels may have it by backport, so the function's type decides. The call does
 * not wait for the page.
 */
typedef long (*lsp_pages_remote)(struct mm_struct *, unsigned long, unsigned long, unsigned int, struct page **, int *);
typedef long (*lsp_pages_remote_vmas)(struct mm_struct *, unsigned long, unsigned long, unsigned int, struct page **,
				      struct vm_area_struct **, int *);

static inline long lsp_user_page_get(struct mm_struct *mm, unsigned long address, struct page **page)
{
	if (__builtin_types_compatible_p(typeof(&get_user_pages_remote), lsp_pages_remote)) {
		lsp_pages_remote get = (void *)get_user_pages_remote;

		return get(mm, address, 1, FOLL_NOWAIT, page, NULL);
	} else {
		lsp_pages_remote_vmas get = (void *)get_user_pages_remote;

		return get(mm, address, 1, FOLL_NOWAIT, page, NULL, NULL);
	}
}

/*
 * Since v6.16 the tracepoint sched_process_exit also says whether the thread was the last of its
 * process. Control flow integrity kills a callback of another type, so the callback has to match.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define LSP_EXIT_ARGUMENT , bool group_dead
#else
#define LSP_EXIT_ARGUMENT
#endif

/*
 * Linux kernel commit 9c2136be0878 ("sched/tracing: Append prev_state to tp args instead") (in
 * v5.18): before it, the tracepoint sched_switch does not say whether @prev sleeps. There a thread
 * that sleeps is off its run queue already, and nobody can put it back before the switch is over.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
#define LSP_SWITCH_ARGUMENT , unsigned int prev_state
#define lsp_switch_slept(preempt, prev) (!(preempt) && prev_state)
#else
#define LSP_SWITCH_ARGUMENT
#define lsp_switch_slept(preempt, prev) (!READ_ONCE((prev)->on_rq))
#endif

/*
 * Threads that run only in the kernel on behalf of a process. Since v5.12 io_uring's workers are
 * such threads; before, they were kernel threads. Since v6.4 there is a flag for all such threads.
 */
#ifdef PF_USER_WORKER
#define LSP_TASK_WORKER (PF_IO_WORKER | PF_USER_WORKER)
#else
#define LSP_TASK_WORKER PF_IO_WORKER
#endif

/* Whether @task runs on a processor. On a kernel for one processor it cannot, because the caller runs there. */
static inline bool lsp_task_on_cpu(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	return READ_ONCE(task->on_cpu);
#else
	return task == current;
#endif
}

/*
 * The preemption count without the probe's own part. A kprobe is called by a breakpoint where
 * ftrace has no place, and its handler then runs as in an NMI that came in an interrupt.
 */
static inline unsigned int lsp_context(void)
{
	unsigned int count = preempt_count();

	return count & NMI_MASK ? count - NMI_OFFSET - HARDIRQ_OFFSET : count;
}

/* Whether the probed function was called in an interrupt. Then the current task is not the cause. */
static inline bool lsp_context_is_interrupt(void)
{
	return lsp_context() & (NMI_MASK | HARDIRQ_MASK) || in_serving_softirq();
}

/*
 * Linux kernel commit ec6aba3d2be1 ("kprobes: Remove kprobe::fault_handler") (in v5.14): before it,
 * each fault in a handler counted as a missed hit, and the copy of a stack ends with a fault. So
 * each page is looked up first.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
static inline bool lsp_user_page_present(unsigned long address)
{
	struct page *page;

	if (get_user_pages_fast_only(address & PAGE_MASK, 1, 0, &page) != 1)
		return false;
	put_page(page);
	return true;
}

#define LSP_USER_PAGES_MAY_BE_ABSENT true
#else
static inline bool lsp_user_page_present(unsigned long address)
{
	return true;
}

#define LSP_USER_PAGES_MAY_BE_ABSENT false
#endif

#endif
