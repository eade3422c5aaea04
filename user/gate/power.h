/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often the gate gives which verdict, found by drawing runs whose truth is
 * known. Pure, from a fixed seed: the same table each time.
 */
#ifndef LSP_GATE_POWER_H
#define LSP_GATE_POWER_H

#include "verdict.h"

struct lsp_gate_power_case {
	size_t runs;		/* on each side, at most LSP_GATE_RUNS_MAX */
	double noise;		/* standard deviation of a run's logarithm; one in ten is hit harder */
	double change;		/* 0.3: each new run has 30 % more */
};

/* Draws one run of a case: its factor of the true delay. */
double lsp_gate_power_factor(uint64_t *state, double noise);

/* 0 or -ENOMEM; @counts gets how often each verdict came in @repetitions. */
int lsp_gate_power(const struct lsp_gate_options *o, const struct lsp_gate_power_case *c,
		   unsigned int repetitions, unsigned int counts[3]);

/*
 * The table's @line-th line: 0 is the title, then one for each number of runs
 * and each noise. 1; 0 past the last; -ENOMEM.
 */
int lsp_gate_power_line(const struct lsp_gate_options *o, unsigned int line,
			unsigned int repetitions, char *to, size_t bytes);

#endif
