/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread records, and where: its chunk of the file of
 * capture/userfile.h. Nothing here allocates, takes a lock of the C library's,
 * or may be entered twice by one thread: a signal handler that meets a thread
 * at work is turned away and counted.
 */
#ifndef LSP_PRELOAD_THREAD_H
#define LSP_PRELOAD_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "../capture/userfile.h"

/* The registers of the caller at this place, in the contract's numbering; see LSP_REGS. */
struct lsp_regs {
	uint64_t r[LOCKSPAN_REGS];
};

/*
 * Takes the registers that unwinding needs. A macro, so that the place is in
 * the hook itself and its frame the stack's leaf.
 */
#define LSP_REGS(regs) \
	__asm__ volatile("leaq 0(%%rip), %%rax\n\t" \
			 "movq %%rax, 128(%0)\n\t" \
			 "movq %%rbx, 24(%0)\n\t" \
			 "movq %%rbp, 48(%0)\n\t" \
			 "movq %%rsp, 56(%0)\n\t" \
			 "movq %%r12, 96(%0)\n\t" \
			 "movq %%r13, 104(%0)\n\t" \
			 "movq %%r14, 112(%0)\n\t" \
			 "movq %%r15, 120(%0)" \
			 : : "r"((regs)->r) : "rax", "memory")

/*
 * Begins to record: false when there is nothing to record to, or the thread is
 * at it already. Every begin is followed by an end, soon and in the same call.
 */
bool lsp_thread_begin(void);
void lsp_thread_end(void);

/* Turns signal handlers away as begin does, but records nothing and cannot fail. */
void lsp_thread_hold(void);

/* Of the running process and thread, between begin and end. */
struct lsp_thread_ids {
	uint32_t tgid;
	uint32_t tid;
};
struct lsp_thread_ids lsp_thread_ids(void);
struct lsp_userfile_chunk *lsp_thread_chunk(void);
uint64_t lsp_thread_rate_ns(void);
uint32_t lsp_thread_fraction(void);

/* Evenly distributed in 0..@below - 1. */
uint64_t lsp_thread_random(uint64_t below);

/* CLOCK_MONOTONIC, ns: the clock of the kernel's side. */
uint64_t lsp_thread_now_ns(void);

/* The name of the stack at @regs, which is sent if it is new. 0: none. */
uint64_t lsp_thread_stack(const struct lsp_regs *regs, uint64_t now_ns);

/* Each completes @rec's ids and sends it. */
void lsp_thread_put_span(struct lockspan_span *span);
void lsp_thread_put_release(struct lockspan_release *release);
void lsp_thread_put_map(struct lockspan_map *map, const char *path);

/* A name for the lock in this process. */
uint64_t lsp_thread_key(const void *lock);

#endif
