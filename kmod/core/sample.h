/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which events are kept. The weights belong to the reader; the rate in force
 * travels with each record, so a change of rate biases nothing.
 */
#ifndef _LSP_CORE_SAMPLE_H
#define _LSP_CORE_SAMPLE_H

#include "types.h"

/* xorshift64* state, one per CPU; any non-zero seed. */
struct lsp_random {
	u64 state;
};

void lsp_random_init(struct lsp_random *r, u64 seed);

/* Next 64 random bits. Not for secrets. */
u64 lsp_random_next(struct lsp_random *r);

/*
 * Keeps a wait of @delay_ns with probability min(1, delay / rate): strictly
 * draw < delay for a draw uniform in [0, rate). @rate_ns 0 keeps nothing, 1
 * everything (a wait of 0 ns counts as 1 ns, as in Go).
 */
bool lsp_sample_block(struct lsp_random *r, u64 delay_ns, u64 rate_ns);

/* Keeps a release with probability 1 / fraction; 0 keeps nothing. Consumes a draw only for fraction > 1. */
bool lsp_sample_mutex(struct lsp_random *r, u32 fraction);

#endif
