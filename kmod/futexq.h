/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be known of the kernel's private struct futex_q without its layout.
 *
 * Its key and its task pointer are found once, by their values: during a
 * private wait of the current task the key must read {mm, page, offset} and
 * the task must be current. Until then both are unknown and callers fall back.
 */
#ifndef _LSP_FUTEXQ_H
#define _LSP_FUTEXQ_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "key.h"

/* Forgets what was found. Process context. */
void lsp_futexq_reset(void);

/* By the function below only. */
extern bool lsp_futexq_all_known;

/* Whether there is still something to find. */
static inline bool lsp_futexq_unknown(void)
{
	return !READ_ONCE(lsp_futexq_all_known);
}

/* Looks at the current task's @q, which waits privately on @uaddr. Probe context, at the end of the wait. */
void lsp_futexq_learn(const void *q, u64 uaddr);

/* The kernel's key of a queued @q. False while its place is not known or it cannot be read. */
bool lsp_futexq_key(const void *q, struct lsp_key_id *ret);

/*
 * The kernel's key of the shared PI futex at @uaddr whose rt_mutex is @lock. False if what is found there
 * cannot be it.
 */
bool lsp_futexq_pi_key(const void *lock, u64 uaddr, struct lsp_key_id *ret);

/* Base of the kernel stack of the task that @q, on a queue, belongs to; 0 if not known. */
unsigned long lsp_futexq_stack(const void *q);

/* The key that the kernel gives a private wait of @mm on @uaddr. */
static inline void lsp_futexq_private(const struct mm_struct *mm, u64 uaddr, struct lsp_key_id *ret)
{
	ret->word[0] = (u64)(unsigned long)mm;
	ret->word[1] = uaddr & PAGE_MASK;
	ret->word[2] = offset_in_page(uaddr);
}

#endif
