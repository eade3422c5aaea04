/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sums by thread: how long it waited, and how much it is blamed for. Profiles have no thread ids,
 * because these would make separate samples of every stack of a thread pool. record.json has the
 * ids instead.
 */
#ifndef LSP_COLLECT_THREADS_H
#define LSP_COLLECT_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"

struct lsp_thread {
	uint32_t tgid;
	uint32_t tid;		/* 0: the sum of all threads beyond the maximum, of any process */
	uint32_t comm;		/* the owner's number for its latest name */
	double waits;
	double waited_ns;	/* lock wait */
	double late_ns;		/* sched delay */
	double releases;	/* of locks */
	double blamed_ns;	/* hold charge */
	double open;		/* waits that had not ended */
	double open_longest_ns;
};

/* All zero is an empty set. */
struct lsp_threads {
	struct lsp_thread *threads;
	size_t n;
	size_t room;
	struct lsp_index index;
};

void lsp_threads_uninit(struct lsp_threads *t);

/*
 * Returns the thread's sums, and makes them if needed. If a thread id is used again, the new thread
 * has the same sums. NULL: no memory. Valid until the next call.
 */
struct lsp_thread *lsp_threads_at(struct lsp_threads *t, uint32_t tgid, uint32_t tid);

#endif
