/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Computes how often the gate gives each verdict, by drawing runs whose truth is known. It reads
 * nothing and has a fixed seed, so the table is the same each time.
 */
#ifndef LSP_GATE_POWER_H
#define LSP_GATE_POWER_H

#include "verdict.h"

struct lsp_gate_power_case {
	size_t runs;		/* number of runs on each side, at most LSP_GATE_RUNS_MAX */
	double noise;		/* standard deviation of a run's logarithm; every tenth run is disturbed more */
	double change;		/* 0.3: each new run has 30 % more */
};

/* Draws one run of a case. Returns its delay as a multiple of the true delay. */
double lsp_gate_power_factor(uint64_t *state, double noise);

/* Writes to @counts how often each verdict came in @repetitions. Returns 0 or -ENOMEM. */
int lsp_gate_power(const struct lsp_gate_options *o, const struct lsp_gate_power_case *c,
		   unsigned int repetitions, unsigned int counts[3]);

/*
 * Writes line number @line of the table: 0 is the title, then comes one line for each number of
 * runs and each noise. Returns 1, 0 past the last line, or -ENOMEM.
 */
int lsp_gate_power_line(const struct lsp_gate_options *o, unsigned int line,
			unsigned int repetitions, char *to, size_t bytes);

#endif
