// SPDX-License-Identifier: GPL-2.0-only
#include "verdict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95
#define NOISE_QUANTILE 0.95
/*
 * Up to this many runs are divided in all possible ways; more runs are divided SPLITS_DRAWN times
 * at random.
 */
#define RUNS_ALL_SPLITS 12
#define SPLITS_DRAWN 2000
#define SEED 0x9e3779b97f4a7c15ULL

const char *lsp_gate_verdict_name(enum lsp_gate_verdict v)
{
	static const char *const names[] = {
		[LSP_GATE_PASS] = "PASS", [LSP_GATE_FAIL] = "FAIL",
		[LSP_GATE_INCONCLUSIVE] = "INCONCLUSIVE",
	};

	return names[v];
}

static double median_of(const struct lsp_gate_run *runs, size_t n,
			double (*of)(const struct lsp_gate_run *r))
{
	double v[LSP_GATE_RUNS_MAX];

	for (size_t i = 0; i < n; i++)
		v[i] = of(&runs[i]);
	return lsp_median(v, n);
}

static double seconds_of(const struct lsp_gate_run *r)
{
	return r->seconds;
}

static double delay_of(const struct lsp_gate_run *r)
{
	return r->delay_ns;
}

/* Returns what is compared of a run. The floor is that of a run of @seconds. */
static double run_value(const struct lsp_gate_options *o, const struct lsp_gate_run *r,
			double seconds)
{
	switch (o->per) {
	case LSP_GATE_PER_SECOND:
		return fmax(r->delay_ns / r->seconds, o->floor_ns);
	case LSP_GATE_PER_CONTENTION:
		/* A delay cannot be less than the clock's own nanosecond. */
		return fmax(r->delay_ns / r->contentions, 1);
	default:
		return fmax(r->delay_ns, o->floor_ns * seconds);
	}
}

static double *values_log(const struct lsp_gate_options *o, const struct lsp_gate_run *runs,
			  size_t n, double seconds)
{
	double *v = malloc((n + 1) * sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = log(run_value(o, &runs[i], seconds));
	return v;
}

/* ---- A/A ---- */

static uint64_t random_next(uint64_t *state)
{
	/* xorshift64* */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* Returns the distance between the median of the runs that @in marks and that of the others. */
static double split_distance(const double *v, size_t n, const bool *in)
{
	double half[2][LSP_GATE_RUNS_MAX];
	size_t count[2] = { 0, 0 };

	for (size_t i = 0; i < n; i++)
		half[in[i]][count[in[i]]++] = v[i];
	return fabs(lsp_median(half[0], count[0]) - lsp_median(half[1], count[1]));
}

static size_t splits_all(const double *v, size_t n, double *ret)
{
	bool in[RUNS_ALL_SPLITS];
	size_t found = 0;

	for (unsigned int set = 0; set < 1U << n; set++) {
		if ((size_t)__builtin_popcount(set) != n / 2)
			continue;
		for (size_t i = 0; i < n; i++)
			in[i] = set >> i & 1;
		ret[found++] = split_distance(v, n, in);
	}
	return found;
}

static size_t splits_draw(const double *v, size_t n, double *ret)
{
	bool in[LSP_GATE_RUNS_MAX];
	uint64_t state = SEED;

	for (size_t s = 0; s < SPLITS_DRAWN; s++) {
		size_t left = n / 2;

		for (size_t i = 0; i < n; i++) {
			in[i] = random_next(&state) % (n - i) < left;
			left -= in[i];
		}
		ret[s] = split_distance(v, n, in);
	}
	return SPLITS_DRAWN;
}

/*
 * Returns the ratio that 95 % of the A/A comparisons of these runs stay below, for a comparison
 * with @other runs.
 */
static double noise_of(const double *v, size_t n, size_t other)
{
	double half = (double)(n / 2), rest = (double)(n - n / 2);
	double scale = sqrt((1. / (double)n + 1. / (double)other) / (1 / half + 1 / rest));
	double distances[SPLITS_DRAWN];
	size_t found = n <= RUNS_ALL_SPLITS ? splits_all(v, n, distances) :
					      splits_draw(v, n, distances);

	lsp_median(distances, found);	/* this sorts them */
	return exp(scale * distances[(size_t)ceil(NOISE_QUANTILE * (double)found) - 1]);
}

/* ---- objections ---- */

static double kept_of(const struct lsp_gate_run *runs, size_t n)
{
	double kept = 0;

	for (size_t i = 0; i < n; i++)
		kept += (double)runs[i].kept;
	return kept;
}

/* Whether half of the runs have too few waits, and the runs are not long either. */
static bool is_short(const struct lsp_gate_run *runs, size_t n)
{
	double seconds = 0;
	size_t poor = 0;

	for (size_t i = 0; i < n; i++) {
		seconds += runs[i].seconds;
		poor += runs[i].kept < LSP_GATE_WAITS_MIN;
	}
	return 2 * poor >= n && seconds < LSP_GATE_SECONDS_LONG;
}

static bool is_complete(const struct lsp_gate_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!runs[i].complete)
			return false;
	return true;
}

/* A mean needs waits in each run, and enough waits in all. */
static bool has_means(const struct lsp_gate_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(runs[i].contentions > 0))
			return false;
	return kept_of(runs, n) >= LSP_GATE_WAITS_MIN;
}

/*
 * If both sides have too few waits, nothing can be said. If only one side has, that is an answer
 * (there was hardly a wait before and there are many now, or the reverse), provided that this
 * side's recordings are complete.
 */
static bool too_short(const struct lsp_gate_options *o, const struct lsp_gate_run *base,
		      size_t nbase, const struct lsp_gate_run *now, size_t nnow)
{
	bool before = is_short(base, nbase), after = is_short(now, nnow);

	if (o->per == LSP_GATE_PER_CONTENTION)
		return false;	/* has_means() was asked before */
	if (before && after)
		return true;
	if (o->per == LSP_GATE_PER_SECOND)
		return before || after;
	return (before && !is_complete(base, nbase)) || (after && !is_complete(now, nnow));
}

/*
 * Whether it is doubtful that the new runs did the same work: they are not half as long, and are
 * shorter by more than their threads waited less.
 */
static bool is_shortened(const struct lsp_gate_run *base, size_t nbase,
			 const struct lsp_gate_run *now, size_t nnow)
{
	double before = median_of(base, nbase, seconds_of), after = median_of(now, nnow, seconds_of);
	double saved_ns = median_of(base, nbase, delay_of) - median_of(now, nnow, delay_of);

	return after < before / 2 && (before - after) * 1e9 > saved_ns;
}

static void conclude(const struct lsp_gate_options *o, struct lsp_gate_result *r)
{
	double most = 1 + o->limit;

	r->verdict = LSP_GATE_INCONCLUSIVE;
	r->reason = LSP_GATE_MEASURED;
	if (r->high <= most)
		r->verdict = LSP_GATE_PASS;
	else if (r->low > most)
		r->verdict = LSP_GATE_FAIL;
	else
		r->reason = r->noise > most ? LSP_GATE_NOISY : LSP_GATE_WIDE;
}

static int measure(const struct lsp_gate_options *o, const struct lsp_gate_run *base,
		   size_t nbase, const struct lsp_gate_run *now, size_t nnow,
		   struct lsp_gate_result *ret)
{
	double seconds = fmax(median_of(base, nbase, seconds_of), median_of(now, nnow, seconds_of));
	double *a = values_log(o, base, nbase, seconds), *b = values_log(o, now, nnow, seconds);
	struct lsp_shift shift;
	int err = a && b ? lsp_shift_compute(a, nbase, b, nnow, CONFIDENCE, &shift) : -ENOMEM;

	if (!err) {
		ret->measured = true;
		ret->ratio = exp(shift.estimate);
		ret->low = exp(shift.low);
		ret->high = exp(shift.high);
		ret->confidence = shift.confidence;
		if (!o->noise_unasked)
			ret->noise = noise_of(a, nbase, nnow);
		ret->base = exp(lsp_median(a, nbase));
		ret->now = exp(lsp_median(b, nnow));
	}
	free(a);
	free(b);
	return err;
}

bool lsp_gate_is_quiet(const struct lsp_gate_options *o, const struct lsp_gate_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (o->per == LSP_GATE_PER_CONTENTION ? runs[i].contentions > 0 :
		    runs[i].delay_ns > o->floor_ns * runs[i].seconds)
			return false;
	return true;
}

void lsp_gate_join(struct lsp_gate_result *locks, const struct lsp_gate_result *semaphores)
{
	if (locks->verdict != LSP_GATE_PASS || semaphores->verdict != LSP_GATE_FAIL)
		return;
	locks->verdict = LSP_GATE_INCONCLUSIVE;
	locks->reason = LSP_GATE_SEMAPHORES;
}

int lsp_gate_decide(const struct lsp_gate_options *o, const struct lsp_gate_run *base,
		    size_t nbase, const struct lsp_gate_run *now, size_t nnow,
		    struct lsp_gate_result *ret)
{
	int err;

	*ret = (struct lsp_gate_result){ .verdict = LSP_GATE_INCONCLUSIVE };
	if (nbase > LSP_GATE_RUNS_MAX || nnow > LSP_GATE_RUNS_MAX || !(o->limit > 0) ||
	    !(o->floor_ns > 0))
		return -EINVAL;
	if (nbase < LSP_GATE_RUNS_MIN || nnow < LSP_GATE_RUNS_MIN) {
		ret->reason = LSP_GATE_TOO_FEW_RUNS;
		return 0;
	}
	if (o->per == LSP_GATE_PER_CONTENTION && !(has_means(base, nbase) && has_means(now, nnow))) {
		ret->reason = LSP_GATE_TOO_SHORT;
		return 0;
	}
	err = measure(o, base, nbase, now, nnow, ret);
	if (err)
		return err;
	conclude(o, ret);
	if (too_short(o, base, nbase, now, nnow)) {
		ret->verdict = LSP_GATE_INCONCLUSIVE;
		ret->reason = LSP_GATE_TOO_SHORT;
	} else if (ret->verdict == LSP_GATE_PASS && o->per == LSP_GATE_PER_RUN &&
		   is_shortened(base, nbase, now, nnow)) {
		ret->verdict = LSP_GATE_INCONCLUSIVE;
		ret->reason = LSP_GATE_SHORTENED;
	}
	return 0;
}
