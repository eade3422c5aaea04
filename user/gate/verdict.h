/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a program waits longer for its locks than before a change: a verdict
 * from some runs before and some after it. Pure; the caller reads files and prints.
 *
 * What is compared is the delay of a run, or of a second or a contention of it.
 * The result is a ratio, so the shift of the logarithms is estimated (shift.h):
 * R = exp(shift) with a 95 % interval. Sampling needs no term of its own: each run
 * was sampled by itself, so the error of sampling is in the spread of the runs.
 *
 *   FAIL          the interval's lower end is above 1 + limit
 *   PASS          its upper end is not
 *   INCONCLUSIVE  it holds 1 + limit, or one of the objections below
 *
 * The interval errs in one of 40 comparisons at each end, whatever shape the
 * noise has, so that is how often a change of exactly the limit fails. No other
 * condition is put on a FAIL: a further one would hide large regressions of a
 * noisy program, and would make none of the false ones rarer than promised.
 *
 * The noise is told, because it says what to do about an interval that holds
 * the limit. It comes from the A/A comparisons that the baseline holds, every
 * way to divide its runs into two halves: the ratio of medians that 95 % of them
 * stay below, brought to a comparison of as many runs as are given (medians of n
 * and m runs differ in proportion to sqrt(1/n + 1/m)).
 *
 * Delays of a run or a second that are below the floor (1 ms a second by
 * default) count as the floor: when a lock that nobody waited for is now waited for
 * a little, that is no regression of 400 %. For whole runs the floor is computed from
 * the length of the longer side's runs, so that it is the same for both sides. The
 * mean wait has no floor.
 */
#ifndef LSP_GATE_VERDICT_H
#define LSP_GATE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shift.h"

#define LSP_GATE_RUNS_MIN 5
#define LSP_GATE_RUNS_MAX LSP_SHIFT_MAX
/* Fewer waits than these tell nothing, unless they are all waits of a long time. */
#define LSP_GATE_WAITS_MIN 30
#define LSP_GATE_SECONDS_LONG 10

enum lsp_gate_per { LSP_GATE_PER_RUN, LSP_GATE_PER_SECOND, LSP_GATE_PER_CONTENTION };

struct lsp_gate_run {
	double delay_ns;	/* of the waits that count */
	double contentions;
	uint64_t kept;		/* how many of these waits sampling kept */
	double seconds;
	bool complete;		/* it is the recording of a whole command, which ended as it should */
};

struct lsp_gate_options {
	double limit;			/* 0.2: 20 % more is tolerated */
	double floor_ns;		/* delay in one second */
	enum lsp_gate_per per;
	bool noise_unasked;		/* it stays 0, and no verdict has the reason NOISY */
};

enum lsp_gate_verdict { LSP_GATE_PASS, LSP_GATE_FAIL, LSP_GATE_INCONCLUSIVE };

enum lsp_gate_reason {
	LSP_GATE_MEASURED,	/* the interval decides */
	LSP_GATE_TOO_FEW_RUNS,
	LSP_GATE_TOO_SHORT,	/* there were hardly any waits */
	LSP_GATE_SHORTENED,	/* the new runs are shorter by more than they waited less */
	LSP_GATE_SEMAPHORES,	/* locks would pass, semaphores would fail */
	LSP_GATE_NOISY,		/* the limit lies within the interval, and the baseline's noise is above the limit */
	LSP_GATE_WIDE,		/* the interval holds the limit */
};

struct lsp_gate_result {
	enum lsp_gate_verdict verdict;
	enum lsp_gate_reason reason;
	bool measured;		/* the following fields are set */
	double base;		/* medians of what is compared, ns */
	double now;
	double ratio;
	double low;
	double high;
	double confidence;
	double noise;		/* ratio of the baseline to itself, 1 or more */
};

/* "PASS" and so on. */
const char *lsp_gate_verdict_name(enum lsp_gate_verdict v);

/*
 * Whether there was hardly any waiting: each run's delay is below the floor, or (for
 * LSP_GATE_PER_CONTENTION) there is no wait.
 */
bool lsp_gate_is_quiet(const struct lsp_gate_options *o, const struct lsp_gate_run *runs, size_t n);

/*
 * Turns the verdict on locks into the verdict on the program. A recording does not
 * show whether a semaphore is a lock or a place to wait for work. So a regression on
 * semaphores turns a PASS into INCONCLUSIVE, not into FAIL.
 */
void lsp_gate_join(struct lsp_gate_result *locks, const struct lsp_gate_result *semaphores);

/*
 * Returns 0, -ENOMEM, or -EINVAL if there are more runs than LSP_GATE_RUNS_MAX or options are out
 * of range.
 */
int lsp_gate_decide(const struct lsp_gate_options *o, const struct lsp_gate_run *base,
		    size_t nbase, const struct lsp_gate_run *now, size_t nnow,
		    struct lsp_gate_result *ret);

#endif
