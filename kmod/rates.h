/* SPDX-License-Identifier: GPL-2.0-only */
/* The sampling rates in force; they may change while probes run. */
#ifndef _LSP_RATES_H
#define _LSP_RATES_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Seeds the draws. Process context. */
void lsp_rates_init(void);

/* Any context. 0 is off, 1 is everything. */
void lsp_rate_block_set(u64 rate_ns);
void lsp_rate_mutex_set(u32 fraction);

/* By the two functions below only. */
extern u64 lsp_rate_block_now_ns;
extern u32 lsp_rate_mutex_now;
bool lsp_rate_draw_wait(u64 delay_ns, u64 rate_ns);
bool lsp_rate_draw_release(u32 fraction);

static inline u64 lsp_rate_block_ns(void)
{
	return READ_ONCE(lsp_rate_block_now_ns);
}

static inline u32 lsp_rate_mutex(void)
{
	return READ_ONCE(lsp_rate_mutex_now);
}

/* The draws, with a rate read before: the record must carry the one that decided. Preemption off. */
static inline bool lsp_rate_keep_wait(u64 delay_ns, u64 rate_ns)
{
	/* No draw decides what is kept anyway. */
	return rate_ns == 1 || lsp_rate_draw_wait(delay_ns, rate_ns);
}

static inline bool lsp_rate_keep_release(u32 fraction)
{
	return fraction == 1 || lsp_rate_draw_release(fraction);
}

#endif
