// SPDX-License-Identifier: GPL-2.0-only
#include "predict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So many ops are replayed for one prediction, but there are at least REPLAYS_MIN replays. */
#define OPS_BUDGET 6000000
#define REPLAYS_MIN 4
#define REPLAYS_MAX 24

/* Below it the waits that were not seen count for too much. */
#define WAITING_MIN 2.0
/* The unchanged replay may be off by so much before it is no replay of this program. */
#define OFF_MAX 0.15
#define UNENDED_MAX 0.05
#define ELSEWHERE_MAX 0.05
#define WIDTH_MAX 0.35

int lsp_whatif_create(const struct lsp_whatif_recorded *r, const bool *fair, double elsewhere_ns, struct lsp_whatif *w)
{
	int err = -ENOMEM;

	memset(w, 0, sizeof(*w));
	w->elsewhere_ns = elsewhere_ns;
	w->first_ns = UINT64_MAX;
	w->locks = calloc(r->nlocks + 1, sizeof(*w->locks));
	if (w->locks)
		err = lsp_whatif_rounds(r, &w->program, w->locks);
	if (err) {
		lsp_whatif_destroy(w);
		return err;
	}
	for (size_t i = 0; i < r->nlocks; i++) {
		w->program.fair[i] = fair[i];
		if (!w->locks[i].waits)
			continue;
		w->waiting_ns += w->locks[i].waiting_ns;
		w->first_ns = w->locks[i].first_ns < w->first_ns ? w->locks[i].first_ns : w->first_ns;
		w->last_ns = w->locks[i].last_ns > w->last_ns ? w->locks[i].last_ns : w->last_ns;
	}
	return 0;
}

void lsp_whatif_destroy(struct lsp_whatif *w)
{
	lsp_whatif_program_uninit(&w->program);
	free(w->locks);
	memset(w, 0, sizeof(*w));
}

/* Replays what was recorded as it was. Its seeds are those of the changed replays, so that both draw the same rounds. */
static int unchanged(struct lsp_whatif *w)
{
	size_t n = w->program.nops ? OPS_BUDGET / w->program.nops : 0;
	struct lsp_whatif_outcome o;
	int err;

	n = n < REPLAYS_MIN ? REPLAYS_MIN : n > REPLAYS_MAX ? REPLAYS_MAX : n;
	for (; w->replays < n; w->replays++) {
		err = lsp_whatif_replay(&w->program, NULL, w->replays + 1, &o);
		if (err)
			return err;
		w->stuck |= o.stuck;
		w->sum_ns += o.waiting_ns;
		w->sum_squares += o.waiting_ns * o.waiting_ns;
		w->end_ns += (double)o.end_ns;
		w->end_squares += (double)o.end_ns * (double)o.end_ns;
	}
	return 0;
}

/* Whether the change touches a lock; its holds tell the site. */
static void touched_find(const struct lsp_whatif *w, const struct lsp_whatif_change *c, bool *touched)
{
	for (size_t i = 0; i < w->program.nops; i++) {
		const struct lsp_whatif_op *op = &w->program.ops[i];

		if (op->release && (!c->sites || c->sites[op->site]) &&
		    (!c->locks || c->locks[op->lock]))
			touched[op->lock] = true;
	}
}

/* Returns why nothing can be predicted from the recording itself, or NULL. */
static const char *recording_refuse(const struct lsp_whatif *w, const struct lsp_whatif_change *c,
				    struct lsp_whatif_answer *ret)
{
	bool *touched = calloc(w->program.nlocks + 1, sizeof(*touched)), any = false;
	double unended_ns = 0, all_ns = 0;

	if (!touched)
		return "there is no memory";
	touched_find(w, c, touched);
	for (size_t i = 0; i < w->program.nlocks; i++) {
		const struct lsp_whatif_lock *l = &w->locks[i];
		double mean = l->last_ns > l->first_ns ? l->waiting_ns / (double)(l->last_ns - l->first_ns) : 0;

		all_ns += l->waiting_ns + l->unended_ns;
		unended_ns += l->unended_ns;
		any |= touched[i];
		if (touched[i] && mean > ret->mean_waiting)
			ret->mean_waiting = mean;
	}
	free(touched);
	if (!any)
		return "no release of such a hold was recorded";
	if (unended_ns > UNENDED_MAX * all_ns)
		return "a timeout or a signal ended some of the waits, and a replay cannot tell when they would";
	if (w->elsewhere_ns > ELSEWHERE_MAX * all_ns)
		return "the same threads wait for condition variables, barriers or other events, which would come at other times";
	if (ret->mean_waiting < WAITING_MIN)
		return "fewer than two threads wait on average, so most of what happens to the lock was not recorded";
	return NULL;
}

static double variance(double sum, double squares, double n)
{
	double v = n > 1 ? (squares - sum * sum / n) / (n - 1) : 0;

	return v > 0 ? v : 0;
}

/* Student's t of a 95 % interval with @n - 1 degrees of freedom, to within 2 %. */
static double student(unsigned int n)
{
	double f = n - 1;

	return 1.96 + 2.4 / f + 3.3 / (f * f) + 3.5 / (f * f * f);
}

/*
 * The factor between the changed and the unchanged replays. Its error comes of three parts: the recording is one run
 * of the program, and another would have differed as one replay differs from another; there are few replays; and the
 * unchanged replays differ from what was recorded (@off).
 */
static struct lsp_whatif_range factor(double before, double before_squares, double after, double after_squares,
				      unsigned int n, double off)
{
	double mean = after / n, base = before / n, error;
	double var = variance(after, after_squares, n) / (mean * mean > 0 ? mean * mean : 1);
	double base_var = variance(before, before_squares, n) / (base * base > 0 ? base * base : 1);
	struct lsp_whatif_range r = { .value = base > 0 ? mean / base : 1 };

	error = r.value * sqrt(student(n) * student(n) * (base_var + (var + base_var) / n) + off * off);
	r.low = r.value > error ? r.value - error : 0;
	r.high = r.value + error;
	return r;
}

int lsp_whatif_predict(struct lsp_whatif *w, const struct lsp_whatif_change *c, struct lsp_whatif_answer *ret)
{
	double sum = 0, squares = 0, end = 0, end_squares = 0, off, end_off;
	struct lsp_whatif_range waiting;
	struct lsp_whatif_outcome o;
	bool stuck = false;
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->before_ns = w->waiting_ns;
	ret->duration_ns = w->last_ns > w->first_ns ? (double)(w->last_ns - w->first_ns) : 0;
	ret->refused = recording_refuse(w, c, ret);
	if (ret->refused)
		return 0;
	err = w->replays ? 0 : unchanged(w);
	for (unsigned int i = 0; !err && i < w->replays; i++) {
		err = lsp_whatif_replay(&w->program, c, i + 1, &o);
		stuck |= o.stuck;
		sum += o.waiting_ns;
		squares += o.waiting_ns * o.waiting_ns;
		end += (double)o.end_ns;
		end_squares += (double)o.end_ns * (double)o.end_ns;
	}
	if (err)
		return err;
	ret->replays = w->replays;
	ret->replayed = w->sum_ns / w->replays / w->waiting_ns;
	off = ret->replayed - 1;
	end_off = w->end_ns / w->replays / ret->duration_ns - 1;
	waiting = factor(w->sum_ns, w->sum_squares, sum, squares, w->replays, off);
	ret->after_ns = (struct lsp_whatif_range){ waiting.value * w->waiting_ns, waiting.low * w->waiting_ns,
						   waiting.high * w->waiting_ns };
	/* The same work in less time is more work in the same time. */
	ret->throughput = factor(end, end_squares, w->end_ns, w->end_squares, w->replays, end_off);
	ret->after_duration_ns = ret->duration_ns / ret->throughput.value;
	if (w->stuck || stuck)
		ret->refused = "the order in which locks are taken was not recorded well enough: replayed threads wait for each other";
	else if (fabs(off) > OFF_MAX)
		ret->refused = "replaying what was recorded does not give the waiting that was recorded: the threads may spin before they sleep";
	else if (waiting.high - waiting.low > WIDTH_MAX)
		ret->refused = "too little was recorded: one replay differs too much from another";
	return 0;
}
