// SPDX-License-Identifier: GPL-2.0-only
#include "rates.h"

#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/random.h>

#include "core/sample.h"

u64 lsp_rate_block_now_ns;
u32 lsp_rate_mutex_now;
static DEFINE_PER_CPU(struct lsp_random, draws);

void lsp_rates_init(void)
{
	int cpu;
	u64 seed;

	for_each_possible_cpu(cpu) {
		get_random_bytes(&seed, sizeof(seed));
		lsp_random_init(per_cpu_ptr(&draws, cpu), seed);
	}
}

void lsp_rate_block_set(u64 rate_ns)
{
	WRITE_ONCE(lsp_rate_block_now_ns, rate_ns);
}

void lsp_rate_mutex_set(u32 fraction)
{
	WRITE_ONCE(lsp_rate_mutex_now, fraction);
}

bool lsp_rate_draw_wait(u64 delay_ns, u64 rate_ns)
{
	return lsp_sample_block(this_cpu_ptr(&draws), delay_ns, rate_ns);
}

bool lsp_rate_draw_release(u32 fraction)
{
	return lsp_sample_mutex(this_cpu_ptr(&draws), fraction);
}
