/* SPDX-License-Identifier: GPL-2.0-only */
/* The sampling rates in force; they may change while probes run. */
#ifndef _LSP_RATES_H
#define _LSP_RATES_H

#include <linux/types.h>

/* Seeds the draws. Process context. */
void lsp_rates_init(void);

/* Any context. 0 is off, 1 is everything. */
void lsp_rate_block_set(u64 rate_ns);
void lsp_rate_mutex_set(u32 fraction);
u64 lsp_rate_block_ns(void);
u32 lsp_rate_mutex(void);

/* The draws, with a rate read before: the record must carry the one that decided. Preemption off. */
bool lsp_rate_keep_wait(u64 delay_ns, u64 rate_ns);
bool lsp_rate_keep_release(u32 fraction);

#endif
