/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A wait that ends: fills in its record, and adds the wait to the exact sums. Whatever ends waits uses this. Also
 * declared here: whether waits are recorded now, and the numbers of open waits on PI mutexes and of futex_waitv.
 */
#ifndef _LSP_SPAN_H
#define _LSP_SPAN_H

#include <linux/string.h>

#include "counter.h"
#include "task.h"
#include "uapi/lockspan.h"

/*
 * False from the moment of STOP. The probes are removed a little later, and change no state in between.
 */
extern bool lsp_span_recording;

/*
 * The number of open waits that are on PI mutexes or on their way to one, and the number of open waits of
 * futex_waitv. While a number is 0, wakers need not look for such waits.
 */
extern atomic_t lsp_span_pi_open;
extern atomic_t lsp_span_vector_open;

/* Counts the wait of @t in these numbers, if it is of such a kind: it begins (@n is 1) or ends (-1). */
static __always_inline void lsp_span_open_add(const struct lsp_task *t, int n)
{
	if (likely(!t->pi && t->op <= LOCKSPAN_OP_WAIT_BITSET))
		return;
	if (t->pi || t->op == LOCKSPAN_OP_WAIT_REQUEUE_PI)
		atomic_add(n, &lsp_span_pi_open);
	else if (t->op == LOCKSPAN_OP_WAITV)
		atomic_add(n, &lsp_span_vector_open);
}

static __always_inline u64 lsp_span_lock_wait_ns(const struct lsp_task *t)
{
	return (t->wake_ns ? t->wake_ns : t->run_ns) - t->enq_ns;
}

/*
 * Adds the ended wait of @t to the sums. The lock of @t is held, because a late waker may correct
 * the sums afterwards.
 */
static __always_inline void lsp_span_count(const struct lsp_task *t)
{
	u64 lock_wait_ns = lsp_span_lock_wait_ns(t);

	/* The first counters are those of the outcomes, in the same order. */
	lsp_count(t->outcome);
	lsp_count_add(LOCKSPAN_C_LOCK_WAIT_NS, lock_wait_ns);
	lsp_count_add(LOCKSPAN_C_TAIL_NS, t->tail_ns);
	lsp_count_add(LOCKSPAN_C_HANDOFF_NS, t->handoff_ns);
	if (t->outcome == LOCKSPAN_NOSLEEP)
		lsp_count_add(LOCKSPAN_C_NOSLEEP_WAIT_NS, lock_wait_ns);
	else if (t->outcome == LOCKSPAN_OPEN)
		lsp_count_add(LOCKSPAN_C_OPEN_WAIT_NS, lock_wait_ns);
	else if (t->wake_ns)
		lsp_count_add(LOCKSPAN_C_SCHED_DELAY_NS, t->run_ns - t->wake_ns);
}

/* Fills all fields except outcome and flags. A late waker may change these two, so the caller fills them in. */
static __always_inline void lsp_span_fill(struct lockspan_span *s, const struct lsp_task *t,
					  const char *comm, u64 stack, u64 rate_ns)
{
	s->rec.bytes = sizeof(*s);
	s->rec.type = LOCKSPAN_REC_SPAN;
	s->id = t->id;
	s->enq_ns = t->enq_ns;
	s->wake_ns = t->wake_ns;
	s->run_ns = t->run_ns;
	s->key = t->begin_key;
	s->end_key = t->key->hash;
	s->uaddr = t->uaddr;
	s->stack = stack;
	s->rate_ns = rate_ns;
	s->tail_ns = t->tail_ns;
	s->handoff_ns = t->handoff_ns;
	s->tid = t->tid;
	s->tgid = t->tgid;
	s->waker_tid = t->waker_tid;
	s->waker_tgid = t->waker_tgid;
	s->op_word = t->op_word;
	s->depth = t->depth;
	s->op = t->op;
	memcpy(s->comm, comm, sizeof(s->comm));
}

#endif
