/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be known of the kernel's private struct futex_q without its definition.
 *
 * The places of its key and of its task pointer are found once, by their values. During a private
 * wait of the current task the key is {mm, page, offset}, and the task is current. Until they are
 * found, callers do without them.
 */
#ifndef _LSP_FUTEXQ_H
#define _LSP_FUTEXQ_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "key.h"

/* Forgets the places that were found. Process context. */
void lsp_futexq_reset(void);

/* Used only by the function below. */
extern bool lsp_futexq_all_known;

/* Whether a place is still to be found. */
static inline bool lsp_futexq_unknown(void)
{
	return !READ_ONCE(lsp_futexq_all_known);
}

/* Searches the current task's @q, which waits privately on @uaddr. Probe context, at the end of the wait. */
void lsp_futexq_learn(const void *q, u64 uaddr);

/*
 * Reads the kernel's key of @q, which is queued. Returns false while its place is not known, or if
 * it cannot be read.
 */
bool lsp_futexq_key(const void *q, struct lsp_key_id *ret);

/*
 * Reads the kernel's key of the shared PI futex at @uaddr whose rt_mutex is @lock. Returns false if
 * what is found there cannot be the key.
 */
bool lsp_futexq_pi_key(const void *lock, u64 uaddr, struct lsp_key_id *ret);

/* Returns the base of the kernel stack of the task to which the queued @q belongs; 0 if it is not known. */
unsigned long lsp_futexq_stack(const void *q);

/* Fills the key that the kernel gives to a private wait of @mm on @uaddr. */
static inline void lsp_futexq_private(const struct mm_struct *mm, u64 uaddr, struct lsp_key_id *ret)
{
	ret->word[0] = (u64)(unsigned long)mm;
	ret->word[1] = uaddr & PAGE_MASK;
	ret->word[2] = offset_in_page(uaddr);
}

#endif
