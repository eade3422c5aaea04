// SPDX-License-Identifier: GPL-2.0-only
/*
 * The random draws. They run in the probes, on the state of their own CPU, and use neither division
 * nor floating point.
 */
#include "sample.h"

/*
 * The generator is xorshift64* with the shifts 12, 25 and 27: S. Vigna, "An experimental
 * exploration of Marsaglia's xorshift generators, scrambled", ACM TOMS 42(4), 2016. Its low bits
 * are weak, so only the high ones are used here.
 */
#define XORSHIFT_FACTOR 2685821657736338717ULL

/*
 * The finalizer of SplitMix64. It makes seeds that are close to each other (CPU numbers, a clock)
 * start far apart.
 */
void lsp_random_init(struct lsp_random *r, u64 seed)
{
	seed += 0x9e3779b97f4a7c15ULL;
	seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9ULL;
	seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebULL;
	seed ^= seed >> 31;
	r->state = seed ? seed : 1;	/* 0 is the generator's one fixed point */
}

u64 lsp_random_next(struct lsp_random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * XORSHIFT_FACTOR;
}

/* Returns the high half of the 128-bit product, which is computed from 32-bit halves. */
static u64 mul_high(u64 a, u64 b)
{
	u64 a_low = (u32)a, a_high = a >> 32;
	u64 b_low = (u32)b, b_high = b >> 32;
	u64 low = a_low * b_low;
	u64 mid = a_high * b_low + (low >> 32);
	u64 mid2 = a_low * b_high + (u32)mid;

	return a_high * b_high + (mid >> 32) + (mid2 >> 32);
}

/* Returns a uniform number in [0, @range). Its bias is at most range / 2^64. */
static u64 random_below(struct lsp_random *r, u64 range)
{
	return mul_high(lsp_random_next(r), range);
}

bool lsp_sample_block(struct lsp_random *r, u64 delay_ns, u64 rate_ns)
{
	if (!rate_ns)
		return false;
	if (!delay_ns)
		delay_ns = 1;
	return delay_ns >= rate_ns || random_below(r, rate_ns) < delay_ns;
}

bool lsp_sample_mutex(struct lsp_random *r, u32 fraction)
{
	if (fraction <= 1)
		return fraction;
	return random_below(r, fraction) == 0;
}
