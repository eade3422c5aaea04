// SPDX-License-Identifier: GPL-2.0-only
#include "power.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SEED 0x9e3779b97f4a7c15ULL
#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static const size_t runs_shown[] = { 5, 8, 12 };
static const double noise_shown[] = { 0.02, 0.05, 0.10, 0.20 };
/* In multiples of the limit. */
static const double changes_shown[] = { 0, 1, 1.5, 2.5, 5 };

static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((double)(*state >> 11) + 0.5) * 0x1p-53;
}

double lsp_gate_power_factor(uint64_t *state, double noise)
{
	double normal = sqrt(-2 * log(uniform(state))) * cos(2 * M_PI * uniform(state));
	double factor = exp(noise * normal);

	/* In such a run something else ran on the machine. */
	return uniform(state) < 0.1 ? factor * (1 + 3 * noise * uniform(state)) : factor;
}

static void runs_draw(struct lsp_gate_run *runs, size_t n, double delay_ns, double noise,
		      uint64_t *state)
{
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct lsp_gate_run){
			.delay_ns = delay_ns * lsp_gate_power_factor(state, noise),
			.contentions = 1000, .kept = 1000, .seconds = 2, .complete = true,
		};
}

int lsp_gate_power(const struct lsp_gate_options *o, const struct lsp_gate_power_case *c,
		   unsigned int repetitions, unsigned int counts[3])
{
	struct lsp_gate_run base[LSP_GATE_RUNS_MAX], now[LSP_GATE_RUNS_MAX];
	struct lsp_gate_options options = *o;
	struct lsp_gate_result result;
	uint64_t state = SEED;
	int err = c->runs <= LSP_GATE_RUNS_MAX ? 0 : -EINVAL;

	options.noise_unasked = true;
	memset(counts, 0, 3 * sizeof(*counts));
	for (unsigned int i = 0; i < repetitions && !err; i++) {
		runs_draw(base, c->runs, 1e9, c->noise, &state);
		runs_draw(now, c->runs, (1 + c->change) * 1e9, c->noise, &state);
		err = lsp_gate_decide(&options, base, c->runs, now, c->runs, &result);
		counts[result.verdict]++;
	}
	return err;
}

static int title_write(const struct lsp_gate_options *o, char *to, size_t bytes)
{
	size_t n = (size_t)snprintf(to, bytes, "runs  noise  PASS at +0%%  FAIL at +0%%");

	for (size_t i = 1; i < ELEMENTS(changes_shown) && n < bytes; i++)
		n += (size_t)snprintf(to + n, bytes - n, "  +%.0f%%",
				      100 * changes_shown[i] * o->limit);
	return 1;
}

int lsp_gate_power_line(const struct lsp_gate_options *o, unsigned int line,
			unsigned int repetitions, char *to, size_t bytes)
{
	struct lsp_gate_power_case c;
	unsigned int counts[3];
	size_t n;
	int err;

	if (!line--)
		return title_write(o, to, bytes);
	if (line >= ELEMENTS(runs_shown) * ELEMENTS(noise_shown))
		return 0;
	c.runs = runs_shown[line / ELEMENTS(noise_shown)];
	c.noise = noise_shown[line % ELEMENTS(noise_shown)];
	n = (size_t)snprintf(to, bytes, "%4zu  %4.0f%%", c.runs, 100 * c.noise);
	for (size_t i = 0; i < ELEMENTS(changes_shown) && n < bytes; i++) {
		c.change = changes_shown[i] * o->limit;
		err = lsp_gate_power(o, &c, repetitions, counts);
		if (err)
			return err;
		if (!i)
			n += (size_t)snprintf(to + n, bytes - n, "  %10.1f%%",
					      100. * counts[LSP_GATE_PASS] / repetitions);
		if (n < bytes)
			n += (size_t)snprintf(to + n, bytes - n, i ? " %5.1f" : "  %10.1f%%",
					      100. * counts[LSP_GATE_FAIL] / repetitions);
	}
	return 1;
}
