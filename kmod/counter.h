/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The session's counters, which are its exact sums: adds to them, reads them, sets them to 0. There is one copy for
 * each CPU. Any context; preemption may be on.
 */
#ifndef _LSP_COUNTER_H
#define _LSP_COUNTER_H

#include <linux/percpu.h>
#include "uapi/lockspan.h"

struct lsp_counters {
	u64 value[LOCKSPAN_C_COUNT];
};
DECLARE_PER_CPU(struct lsp_counters, lsp_counters);

static inline void lsp_count_add(enum lockspan_counter c, u64 n)
{
	this_cpu_add(lsp_counters.value[c], n);
}

static inline void lsp_count(enum lockspan_counter c)
{
	lsp_count_add(c, 1);
}

/* Writes the sums over all possible CPUs to ret[LOCKSPAN_C_COUNT]. Process context. */
void lsp_counters_read(u64 *ret);

/* Process context. Nothing may be counted meanwhile. */
void lsp_counters_reset(void);

#endif
