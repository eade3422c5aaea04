// SPDX-License-Identifier: GPL-2.0-only
#include "counter.h"

#include <linux/cpumask.h>
#include <linux/string.h>

DEFINE_PER_CPU(struct lsp_counters, lsp_counters);

void lsp_counters_read(u64 *ret)
{
	int cpu, c;

	memset(ret, 0, LOCKSPAN_C_COUNT * sizeof(*ret));
	for_each_possible_cpu(cpu)
		for (c = 0; c < LOCKSPAN_C_COUNT; c++)
			ret[c] += READ_ONCE(per_cpu(lsp_counters, cpu).value[c]);
}

void lsp_counters_reset(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(&lsp_counters, cpu), 0, sizeof(struct lsp_counters));
}
