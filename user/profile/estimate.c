// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sums over the kept events of a stack, and their confidence interval. The header explains its
 * form.
 */
#include "estimate.h"

#include <math.h>
#include <stdbool.h>

#define EVENTS_MIN 30
#define RELEASES_MIN 200
#define LARGEST_SHARE_MAX 0.2

/*
 * How far a known total may lie beyond an end of the interval, in multiples of the end's distance
 * from the estimate.
 */
#define FIT_REACH 1.5

/* One-sided normal quantiles of 4 % and 1 %. */
#define Z_LOW 1.7506861
#define Z_HIGH 2.3263479
#define TAIL_ERROR 0.015

/* An upper end beyond this says nothing more, and exp() must not overflow. */
#define LOG_REACH_MAX 46

struct lsp_contribution lsp_contribution_block(uint64_t delay_ns, uint64_t rate_ns)
{
	double length = delay_ns ? delay_ns : 1;
	struct lsp_contribution c = { 1, 1, delay_ns };

	if (length < rate_ns) {
		c.probability = length / rate_ns;
		c.count = rate_ns / length;
		c.delay_ns = delay_ns ? rate_ns : 0;
	}
	return c;
}

struct lsp_contribution lsp_contribution_mutex(uint64_t charge_ns, uint32_t fraction)
{
	double n = fraction ? fraction : 1;

	return (struct lsp_contribution) { 1 / n, n, n * charge_ns };
}

/* fmax() would be a call, several times for each event. There are no NaNs here. */
static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void estimate_add(struct lsp_estimate *e, const struct lsp_contribution *c)
{
	e->kept++;
	e->count += c->count;
	e->delay_ns += c->delay_ns;
	e->variance += (1 - c->probability) * c->delay_ns * c->delay_ns;
	e->largest_ns = larger(e->largest_ns, c->delay_ns);
	if (c->delay_ns > 0)
		e->with_delay++;
	if (c->probability < 1)
		e->largest_drawn_ns = larger(e->largest_drawn_ns, c->delay_ns);
	else
		e->certain_ns += c->delay_ns;
}

static void top_add(struct lsp_estimate *e, double charge_ns)
{
	unsigned int at = e->ntop;

	if (at == LSP_ESTIMATE_TOP) {
		if (charge_ns <= e->top_ns[--at])
			return;
	} else {
		e->ntop++;
	}
	for (; at && e->top_ns[at - 1] < charge_ns; at--)
		e->top_ns[at] = e->top_ns[at - 1];
	e->top_ns[at] = charge_ns;
}

void lsp_estimate_add_certain(struct lsp_estimate *e, const struct lsp_certain *c)
{
	e->kept += c->kept;
	e->count += c->kept;
	e->delay_ns += c->delay_ns;
	e->certain_ns += c->delay_ns;
	e->largest_ns = larger(e->largest_ns, c->largest_ns);
	e->block_rate_ns = larger(e->block_rate_ns, c->block_rate_ns);
	e->with_delay += c->with_delay;
}

double lsp_estimate_add_block(struct lsp_estimate *e, uint64_t delay_ns, uint64_t rate_ns)
{
	struct lsp_contribution c = lsp_contribution_block(delay_ns, rate_ns);

	estimate_add(e, &c);
	e->block_rate_ns = larger(e->block_rate_ns, rate_ns);
	return c.count;
}

double lsp_estimate_add_mutex(struct lsp_estimate *e, uint64_t charge_ns, uint32_t fraction)
{
	struct lsp_contribution c = lsp_contribution_mutex(charge_ns, fraction);

	estimate_add(e, &c);
	if (c.probability == 1 || !charge_ns)
		return c.count;
	e->drawn_releases++;
	e->unseen_releases += c.count - 1;
	top_add(e, charge_ns);
	return c.count;
}

void lsp_estimate_merge(struct lsp_estimate *to, const struct lsp_estimate *from)
{
	to->kept += from->kept;
	to->count += from->count;
	to->delay_ns += from->delay_ns;
	to->variance += from->variance;
	to->largest_ns = fmax(to->largest_ns, from->largest_ns);
	to->certain_ns += from->certain_ns;
	to->largest_drawn_ns = fmax(to->largest_drawn_ns, from->largest_drawn_ns);
	to->block_rate_ns = fmax(to->block_rate_ns, from->block_rate_ns);
	to->with_delay += from->with_delay;
	to->drawn_releases += from->drawn_releases;
	to->unseen_releases += from->unseen_releases;
	for (unsigned int i = 0; i < from->ntop; i++)
		top_add(to, from->top_ns[i]);
}

/* Integral of exp(y) (1 + y / s)^-k over [0, reach], by midpoints. */
static double reach_integral(double s, double k, double reach)
{
	enum { STEPS = 64 };
	double h = reach / STEPS, sum = 0;

	for (int i = 0; i < STEPS; i++) {
		double y = (i + 0.5) * h;

		sum += exp(y - k * log1p(y / s));
	}
	return sum * h;
}

/* The longest unseen charge, and how far the model's sum of the unseen exceeds the sample's. */
static void tail_reach(const struct lsp_estimate *e, double *jump_ns_ret, double *excess_ns_ret)
{
	double k = fmin(LSP_ESTIMATE_TOP - 1, e->drawn_releases / 3);
	double stands_for = e->unseen_releases / e->drawn_releases;
	double unseen = k * stands_for;
	double u = e->top_ns[(unsigned int)k];
	double s = 0, seen_ns = 0, reach, mean_ns;

	for (unsigned int i = 0; i < k; i++) {
		s += log(e->top_ns[i] / u);
		seen_ns += e->top_ns[i];
	}
	*jump_ns_ret = u;
	*excess_ns_ret = 0;
	if (s <= 0)	/* all alike */
		return;
	reach = s * expm1(log(unseen / TAIL_ERROR) / k);
	reach = fmin(fmax(reach, 0), LOG_REACH_MAX);
	*jump_ns_ret = u * exp(reach);
	mean_ns = u * (1 + reach_integral(s, k, reach));
	*excess_ns_ret = fmax(0, unseen * mean_ns - stands_for * seen_ns);
}

/* Whether the events that were kept can carry an interval at all. */
static bool estimate_suffices(const struct lsp_estimate *e, bool releases)
{
	/* Of a block stack without drawn events, the first that might have been counts. */
	double largest_ns = releases ? e->largest_drawn_ns
				     : fmax(e->largest_drawn_ns, e->block_rate_ns);

	if (releases && e->drawn_releases < RELEASES_MIN)
		return false;
	return e->with_delay >= EVENTS_MIN && largest_ns < LARGEST_SHARE_MAX * e->delay_ns;
}

/* Distance of an end of the score interval from the estimate; @z with its sign. */
static double score_distance(double variance, double h, double z)
{
	return z * z * h / 2 + z * sqrt(variance + z * z * h * h / 4);
}

enum lsp_interval lsp_estimate_interval(const struct lsp_estimate *e, double most_ns,
					double *low_ns_ret, double *high_ns_ret)
{
	double drawn_ns = e->delay_ns - e->certain_ns;
	bool releases = e->unseen_releases > 0;
	double jump_ns = 0, excess_ns = 0;
	double h, above_ns;

	*low_ns_ret = *high_ns_ret = e->delay_ns;
	if (!releases && e->block_rate_ns <= 1)
		return LSP_INTERVAL_EXACT;
	*low_ns_ret = *high_ns_ret = 0;
	if (!estimate_suffices(e, releases))
		return LSP_INTERVAL_TOO_FEW;

	h = e->largest_drawn_ns > 0 ? e->variance / drawn_ns : e->block_rate_ns;
	above_ns = score_distance(e->variance, h, Z_HIGH);
	if (releases) {
		tail_reach(e, &jump_ns, &excess_ns);
		above_ns = sqrt(above_ns * above_ns + jump_ns * jump_ns) + excess_ns;
	}
	if (e->delay_ns + score_distance(e->variance, h, -Z_LOW) > most_ns)
		return LSP_INTERVAL_TOO_FEW;	/* a few long ones came often */
	*low_ns_ret = e->delay_ns + score_distance(e->variance, h, -Z_LOW);
	*high_ns_ret = fmin(e->delay_ns + above_ns, most_ns);
	return LSP_INTERVAL_SHOWN;
}

bool lsp_estimate_fits(const struct lsp_estimate *all, double exact_ns)
{
	double low_ns, high_ns, below_ns, above_ns;

	switch (lsp_estimate_interval(all, INFINITY, &low_ns, &high_ns)) {
	case LSP_INTERVAL_EXACT:
		return true;
	case LSP_INTERVAL_SHOWN:
		below_ns = all->delay_ns - low_ns;
		above_ns = high_ns - all->delay_ns;
		break;
	default:
		below_ns = above_ns = 2 * sqrt(all->variance);
	}
	return exact_ns >= all->delay_ns - FIT_REACH * below_ns &&
	       exact_ns <= all->delay_ns + FIT_REACH * above_ns;
}
