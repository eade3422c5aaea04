/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sampling rates that are in force, which may change while probes run, and the draws by them: whether a wait or a
 * release is kept. core/sample.h does the arithmetic.
 */
#ifndef _LSP_RATES_H
#define _LSP_RATES_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Seeds the random draws. Process context. */
void lsp_rates_init(void);

/* Any context. 0 turns events off, 1 keeps all of them. */
void lsp_rate_block_set(u64 rate_ns);
void lsp_rate_mutex_set(u32 fraction);

/* Used only by the two functions below. */
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

/*
 * Draw whether an event is kept. The caller has read the rate before, because the record must carry
 * the rate that decided. Preemption is off.
 */
static inline bool lsp_rate_keep_wait(u64 delay_ns, u64 rate_ns)
{
	/* Nothing has to be drawn if all events are kept, or none. */
	return rate_ns == 1 || lsp_rate_draw_wait(delay_ns, rate_ns);
}

static inline bool lsp_rate_keep_release(u32 fraction)
{
	return fraction == 1 || lsp_rate_draw_release(fraction);
}

#endif
