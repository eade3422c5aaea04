/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers, and the choice by them of the events that are kept at a given rate. The reader
 * computes the weights of these events. Each record carries the rate that was in force, so a change
 * of the rate biases nothing.
 */
#ifndef _LSP_CORE_SAMPLE_H
#define _LSP_CORE_SAMPLE_H

#include "types.h"

/* The state of a xorshift64* generator, one for each CPU. Any seed but 0 will do. */
struct lsp_random {
	u64 state;
};

void lsp_random_init(struct lsp_random *r, u64 seed);

/* Returns the next 64 random bits. They are no good for secrets. */
u64 lsp_random_next(struct lsp_random *r);

/*
 * Whether a wait of @delay_ns is kept, which has the probability min(1, delay / rate): it is kept
 * if a number drawn uniformly from [0, rate) is smaller than the delay. With @rate_ns 0 no wait is
 * kept, with 1 every wait is. A wait of 0 ns counts as 1 ns, as in Go.
 */
bool lsp_sample_block(struct lsp_random *r, u64 delay_ns, u64 rate_ns);

/*
 * Whether a release is kept, which has the probability 1 / @fraction. 0 keeps none. Draws only if
 * @fraction > 1.
 */
bool lsp_sample_mutex(struct lsp_random *r, u32 fraction);

#endif
