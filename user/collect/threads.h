/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sums by thread: what it waited and what it is blamed for. Profiles have no
 * thread ids, which would set every stack of a pool apart; record.json has
 * these instead.
 */
#ifndef LSP_COLLECT_THREADS_H
#define LSP_COLLECT_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"

struct lsp_thread {
	uint32_t tgid;
	uint32_t tid;		/* 0: all those beyond the bound, of any process */
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
 * The thread's sums, made if need be. A thread id used again is another thread
 * with the same sums. NULL: no memory. Valid until the next call.
 */
struct lsp_thread *lsp_threads_at(struct lsp_threads *t, uint32_t tgid, uint32_t tid);

#endif
