/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One number that is estimated from the events that sampling kept: adds an event to it, adds two such
 * numbers, and says how far it can be trusted. The sums of a whole row are in collect/aggregate.h. An event that is
 * kept with probability p contributes 1/p to the count and v/p to the delay (Horvitz and Thompson,
 * 1952). This is unbiased, whatever p was and however it changed. The variance of the delay is
 * estimated by the sum of (1 - p) (v/p)^2 over the kept events.
 */
#ifndef LSP_PROFILE_ESTIMATE_H
#define LSP_PROFILE_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

/* The contribution of one kept event. */
struct lsp_contribution {
	double probability;	/* the probability with which it was kept, (0, 1] */
	double count;
	double delay_ns;
};

/*
 * A wait of length d = @delay_ns, kept at the block rate R = @rate_ns. Its count is R/d and its
 * delay is R if d < R; otherwise they are 1 and d. A wait of 0 ns counts like one of 1 ns, but has
 * no delay. Rate 0 is taken for 1, because an event that is here was kept.
 */
struct lsp_contribution lsp_contribution_block(uint64_t delay_ns, uint64_t rate_ns);

/*
 * A release charged with @charge_ns, kept at the mutex fraction N = @fraction. Its count is N, and
 * its delay is N * charge.
 */
struct lsp_contribution lsp_contribution_mutex(uint64_t charge_ns, uint32_t fraction);

/*
 * How many of the longest charges of a stack are kept. The interval of a mutex stack needs 32 and
 * the next one.
 */
#define LSP_ESTIMATE_TOP 33

/* Sums of the kept events of one stack, in one profile. All zero is empty. */
struct lsp_estimate {
	uint64_t kept;		/* events */
	double count;		/* estimated */
	double delay_ns;	/* estimated */
	double variance;	/* of delay_ns */
	double largest_ns;	/* greatest single contribution to delay_ns */

	/*
	 * The following sums are needed only for the interval. An event is drawn if it was kept
	 * with p < 1, and it has a delay.
	 */
	double certain_ns;	/* the part of delay_ns from events with p = 1 */
	double largest_drawn_ns;
	double block_rate_ns;	/* greatest block rate met */
	uint64_t with_delay;	/* events kept whose delay is not 0 */
	uint64_t drawn_releases;
	double unseen_releases;	/* how many releases were not kept: the sum of 1/p - 1 */
	unsigned int ntop;
	double top_ns[LSP_ESTIMATE_TOP];	/* longest drawn charges, descending */
};

/* Each returns the count of the contribution: how many events this event stands for. */
double lsp_estimate_add_block(struct lsp_estimate *e, uint64_t delay_ns, uint64_t rate_ns);
double lsp_estimate_add_mutex(struct lsp_estimate *e, uint64_t charge_ns, uint32_t fraction);

/* Any number of events that were kept for certain (p = 1). Their estimate is their sum. */
struct lsp_certain {
	uint64_t kept;
	uint64_t with_delay;
	uint64_t delay_ns;
	uint64_t largest_ns;
	uint64_t block_rate_ns;	/* greatest block rate met */
};

static inline void lsp_certain_add(struct lsp_certain *c, uint64_t delay_ns)
{
	c->kept++;
	c->with_delay += delay_ns > 0;
	c->delay_ns += delay_ns;
	if (delay_ns > c->largest_ns)
		c->largest_ns = delay_ns;
}

/* Like adding each of these events by itself. */
void lsp_estimate_add_certain(struct lsp_estimate *e, const struct lsp_certain *c);
void lsp_estimate_merge(struct lsp_estimate *to, const struct lsp_estimate *from);

enum lsp_interval {
	LSP_INTERVAL_EXACT,	/* nothing was left out: low = high = delay */
	LSP_INTERVAL_SHOWN,
	LSP_INTERVAL_TOO_FEW,	/* no statement; low and high are 0 */
};

/*
 * 95 % interval of the delay of all the stack's events, kept or not. @most_ns
 * is what it cannot exceed, the session's exact total, or INFINITY. EXACT
 * relies on the events met: where the rate changed in mid run, it needs one
 * event at least from the time when it was not 1.
 *
 * Which stacks have one: at least 30 kept events with a delay, and the largest
 * drawn contribution below 20 % of the delay. An event kept with p = 1 is no
 * reason for doubt, however large. A mutex stack needs 200 drawn releases: no
 * formula makes up for a kind of release that a sample has by luck never or too
 * often. Where one release in 20 is 400 times the others, a sample of 60 has none
 * in one case of 20 and six in one of 12; these were the ones whose largest was
 * small enough to be shown, and 60 % of their intervals held.
 *
 * Lower end, and upper end for block: score interval (as Wilson, 1927, for a
 * proportion). The number of drawn events is itself random and so is the
 * variance that it gives; a total T implies the variance V T / y, where y is
 * the drawn part of the estimate and V its variance, and T lies in the
 * interval when (T - y)^2 <= z^2 V T / y. With h = V / y:
 *     T = y + z^2 h / 2 -+ z sqrt(V + z^2 h^2 / 4)
 * z = 1.75 below (4 %) and 2.33 above (1 %): divided so because what comes next
 * makes the upper end err even less in small samples, so that the two would
 * cover too much if they shared alike.
 *
 * Upper end for mutex: a sample of one release in N tells nothing of those
 * longer than its longest, and with heavy tails (Pareto with exponent below 2)
 * these decide the total. A normal interval then covers 34 to 78 % instead of
 * 95, and the rule above does not help: it passes just the samples that missed
 * the long ones. So the tail is modelled. The k longest charges (k = 32, or a
 * third of them) over the next one, u, are taken for Pareto (Hill, 1975): with
 * s the sum of log(x / u), the exponent has the Gamma(k, s) posterior under
 * the prior 1 / exponent, and an unseen charge above u exceeds g with
 * probability (1 + log(g / u) / s)^-k: the exponent has been integrated out.
 * About J = k (N - 1) unseen ones are above u. By the principle of one big
 * jump (Foss, Korshunov and Zachary, An Introduction to Heavy-Tailed and
 * Subexponential Distributions, 2011) their sum is exceeded with a small
 * probability q in the way that the longest is, which gives
 *     g = u exp(s ((J / q)^(1 / k) - 1)),    q = 1.5 %
 * The upper end is y + sqrt(w^2 + g^2) + m, with w the score interval's
 * distance and m by how much the sum of the unseen by the model (cut at g) exceeds
 * that by the sample, if it does. For tails as light as the exponential
 * g and m vanish beside w as the sample grows; with few events they do not,
 * because few events cannot tell the one from the other.
 *
 * Block needs none of it: a wait of R or more is kept for certain.
 *
 * Coverage measured of the stacks that are shown, 20,000 repetitions each
 * (4,000 where the last digit is missing); n is the number of events that the
 * rate keeps on average (mutex stacks of fewer than 200 left out), in parentheses
 * what the normal interval covers, then the typical upper end in times of the
 * estimate. test_estimate repeats a part.
 *                          n = 40            60           200          1000
 *   mutex, exponential
 *     fraction 2                                     96.4 (95) 1.3  95.2 (95) 1.1
 *     fraction 10                                    95.9 (95) 1.3  95.2 (95) 1.1
 *     fraction 100                                   95.6 (94) 1.3  95   (95) 1.1
 *   mutex, Pareto(1.2)
 *     fraction 2                                     96.1 (73) 4.5  96.8 (77) 3.7
 *     fraction 10                                    95.8 (56) 8.3  96.1 (61) 6.7
 *     fraction 100                                   94.6 (43)  13  95   (48) 9.8
 *   block, rate 10 us (waits of 5 us, 6 us in the mean)
 *     exponential      95.6 (95) 1.2  95.1 (95) 1.2  95.1 (95) 1.1  95.1 (95) 1.0
 *     Pareto(1.2)      95.3 (96) 1.2  95.2 (95) 1.2  94.9 (95) 1.1  95.0 (95) 1.0
 *   block, rate 100 us
 *     exponential      95.3 (98) 1.4  94.8 (95) 1.3  94.8 (95) 1.2  95   (95) 1.1
 *     Pareto(1.2)      95.5 (97) 1.3  95.0 (95) 1.2  95.0 (95) 1.1  95   (95) 1.1
 * Of Pareto(1.2) mutex stacks 47, 55, 69 and 80 % are shown, else 94 to 100 %.
 * Other shapes: all alike 94 to 96 %, Pareto(1.5) and Pareto(2.5) 95 to 97 %,
 * log-normal 95 to 97 % with sigma 1, 96 to 98 with 1.5, 96 to 99.7 with 2.
 *
 * What it does not give. Nothing is known of what no event showed: a kind of
 * release a hundred times the rest and rarer than one in a hundred is by luck not
 * in a sample of 200, or too often in it, and then is outside the limits. Only a
 * total that is known otherwise tells: see lsp_estimate_fits(), and @most_ns. A
 * sample whose lower end is above that has no interval either.
 */
enum lsp_interval lsp_estimate_interval(const struct lsp_estimate *e, double most_ns,
					double *low_ns_ret, double *high_ns_ret);

/*
 * Whether @all, the sum over all stacks, is such an estimate as a total of
 * @exact_ns gives. Where it is not, a kind of event that decides the total was
 * met too seldom or too often, nobody knows on which stacks, and no interval of
 * theirs is to be shown. False by chance in one of 300 samples or so.
 */
bool lsp_estimate_fits(const struct lsp_estimate *all, double exact_ns);

#endif
