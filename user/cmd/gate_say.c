// SPDX-License-Identifier: GPL-2.0-only
#include "gate_say.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "../base/plural.h"
#include "../report/words.h"
#include "json.h"

const char *const lsp_gate_per_names[3] = {
	[LSP_GATE_PER_RUN] = "run", [LSP_GATE_PER_SECOND] = "second",
	[LSP_GATE_PER_CONTENTION] = "contention",
};

static const char *reason_name(enum lsp_gate_reason reason)
{
	static const char *const names[] = {
		[LSP_GATE_MEASURED] = "measured", [LSP_GATE_TOO_FEW_RUNS] = "too_few_runs",
		[LSP_GATE_TOO_SHORT] = "too_short", [LSP_GATE_SHORTENED] = "shortened",
		[LSP_GATE_SEMAPHORES] = "semaphores", [LSP_GATE_NOISY] = "noisy",
		[LSP_GATE_WIDE] = "wide",
	};

	return names[reason];
}

static void reason_text(const struct lsp_gate_judgement *g, char *to, size_t bytes)
{
	switch (g->result.reason) {
	case LSP_GATE_MEASURED:
		snprintf(to, bytes, "the whole interval is %s the limit",
			 g->result.verdict == LSP_GATE_FAIL ? "above" : "within");
		return;
	case LSP_GATE_TOO_FEW_RUNS:
		snprintf(to, bytes, "runs before: %zu, after: %zu; at least %d of each are needed",
			 g->runs[0]->n, g->runs[1]->n, LSP_GATE_RUNS_MIN);
		return;
	case LSP_GATE_TOO_SHORT:
		if (g->options->per == LSP_GATE_PER_CONTENTION)
			snprintf(to, bytes, "too few waits that count: a mean wait needs one in each run, and %d on each side",
				 LSP_GATE_WAITS_MIN);
		else
			snprintf(to, bytes, "too few waits that count: half of the runs have fewer than %d, and a side is not %d s long",
				 LSP_GATE_WAITS_MIN, LSP_GATE_SECONDS_LONG);
		return;
	case LSP_GATE_SHORTENED:
		snprintf(to, bytes, "the new runs are shorter by more than they waited less; did they do the same work? --per second compares rates");
		return;
	case LSP_GATE_SEMAPHORES:
		snprintf(to, bytes, "locks are within the limit, semaphores are not; --sync sem judges them (Python's and PostgreSQL's locks are such), --sync lock leaves them out (threads that wait there for work)");
		return;
	case LSP_GATE_NOISY:
		snprintf(to, bytes, "the limit lies inside the interval, and the baseline differs from itself by more; quiet the machine, or make more and longer runs");
		return;
	case LSP_GATE_WIDE:
		snprintf(to, bytes, "the limit lies inside the interval; make more runs");
	}
}

/* "mutex, rwlock_rd" */
static void classes_write(FILE *to, unsigned int classes)
{
	bool any = false;

	for (unsigned int i = 0; i < LSP_SYNC_COUNT; i++) {
		if (!(classes >> i & 1))
			continue;
		fprintf(to, "%s%s", any ? ", " : "", lsp_sync_name(i));
		any = true;
	}
}

/* Whether a class that was not judged has waiting above the floor. */
static bool class_left_out(const struct lsp_gate_judgement *g, unsigned int class, double ns[2])
{
	double seconds = 0;

	if (g->lock || g->classes >> class & 1)
		return false;
	for (int side = 0; side < 2; side++) {
		ns[side] = lsp_gate_runs_class_ns(g->runs[side], (enum lsp_sync)class);
		for (size_t i = 0; i < g->runs[side]->n; i++)
			seconds += g->runs[side]->runs[i].seconds;
	}
	return ns[0] + ns[1] > 2 * g->options->floor_ns * seconds /
			       (double)(g->runs[0]->n + g->runs[1]->n);
}

static void left_out_write(FILE *to, const struct lsp_gate_judgement *g)
{
	char a[LSP_WORD], b[LSP_WORD];
	bool any = false;
	double ns[2];

	for (unsigned int i = 0; i < LSP_SYNC_COUNT; i++) {
		if (!class_left_out(g, i, ns))
			continue;
		fprintf(to, "%s%s %s -> %s", any ? ", " : "  not counted: ", lsp_sync_name(i),
			lsp_words_ns(a, ns[0]), lsp_words_ns(b, ns[1]));
		any = true;
	}
	fputs(any ? " in a run, in the mean (--sync)\n" : "", to);
}

static void change_write(FILE *to, const struct lsp_gate_result *r)
{
	fprintf(to, "%+11.1f %%, %.1f %% interval %+.1f to %+.1f %%", 100 * (r->ratio - 1),
		100 * r->confidence, 100 * (r->low - 1), 100 * (r->high - 1));
}

static void numbers_write(FILE *to, const struct lsp_gate_judgement *g)
{
	const struct lsp_gate_result *r = &g->result;

	if (!r->measured)
		return;
	fprintf(to, "  base    %12.6f s, median of %zu run%s\n", r->base / 1e9, g->runs[0]->n,
		lsp_plural(g->runs[0]->n, "s"));
	fprintf(to, "  new     %12.6f s, median of %zu run%s\n", r->now / 1e9, g->runs[1]->n,
		lsp_plural(g->runs[1]->n, "s"));
	fputs("  change  ", to);
	change_write(to, r);
	fprintf(to, "; limit %+.1f %%\n", 100 * g->options->limit);
	fprintf(to, "  noise   %+11.1f %% between runs of the baseline\n", 100 * (r->noise - 1));
	if (g->has_semaphores && g->semaphores.measured) {
		fputs("  sem     ", to);
		change_write(to, &g->semaphores);
		fputs(", judged apart\n", to);
	}
}

static void worst_write(FILE *to, const struct lsp_gate_judgement *g)
{
	char a[LSP_WORD], b[LSP_WORD];

	fputs("  most was added on ", to);
	lsp_words_name(to, *g->worst.lock ? g->worst.lock : "(a lock without a name)");
	fprintf(to, ": %s became %s a %s; waited for in ", lsp_words_ns(a, g->worst.delay_ns[0]),
		lsp_words_ns(b, g->worst.delay_ns[1]), lsp_gate_per_names[g->options->per]);
	lsp_words_name(to, *g->worst.site ? g->worst.site : "(not known)");
	if (g->blamed) {
		fprintf(to, ", %.0f%% of the blame is with ", 100 * g->blamed_share);
		lsp_words_name(to, *g->blamed ? g->blamed : "(not known)");
	}
	fputs("\n  next: lockspan diff --by lock ", to);
	lsp_words_name(to, g->near[0]);
	putc(' ', to);
	lsp_words_name(to, g->near[1]);
	fputs("; lockspan report ", to);
	lsp_words_name(to, g->near[1]);
	putc('\n', to);
}

void lsp_gate_text(FILE *to, const struct lsp_gate_judgement *g)
{
	char reason[300];

	reason_text(g, reason, sizeof(reason));
	fprintf(to, "%s: %s\n", lsp_gate_verdict_name(g->result.verdict), reason);
	fprintf(to, "delay per %s, ", lsp_gate_per_names[g->options->per]);
	if (g->lock) {
		fputs("lock ", to);
		lsp_words_name(to, g->lock);
	} else {
		fputs("waits of class ", to);
		classes_write(to, g->classes);
	}
	putc('\n', to);
	numbers_write(to, g);
	left_out_write(to, g);
	if (g->has_worst)
		worst_write(to, g);
}

/* ---- JSON ---- */

static struct json_object *runs_new(const struct lsp_gate_judgement *g, int side)
{
	struct lsp_gate_run taken[LSP_GATE_RUNS_MAX];
	struct json_object *list = json_object_new_array();

	lsp_gate_runs_take(g->runs[side], g->classes, taken);
	for (size_t i = 0; i < g->runs[side]->n; i++) {
		struct json_object *o = json_object_new_object();

		lsp_json_string(o, "path", g->runs[side]->runs[i].path);
		lsp_json_double(o, "delay_ns", taken[i].delay_ns);
		lsp_json_double(o, "contentions", taken[i].contentions);
		lsp_json_u64(o, "kept", taken[i].kept);
		lsp_json_double(o, "seconds", taken[i].seconds);
		json_object_array_add(list, o);
	}
	return list;
}

static void result_add(struct json_object *o, const struct lsp_gate_result *r)
{
	if (!r->measured)
		return;
	lsp_json_double(o, "base_ns", r->base);
	lsp_json_double(o, "new_ns", r->now);
	lsp_json_double(o, "ratio", r->ratio);
	lsp_json_double(o, "low", r->low);
	lsp_json_double(o, "high", r->high);
	lsp_json_double(o, "confidence", r->confidence);
	lsp_json_double(o, "noise", r->noise);
}

static void classes_add(struct json_object *o, const struct lsp_gate_judgement *g)
{
	struct json_object *counted = json_object_new_array(), *left = json_object_new_object(), *pair;
	double ns[2];

	for (unsigned int i = 0; i < LSP_SYNC_COUNT; i++) {
		if (g->classes >> i & 1)
			json_object_array_add(counted, json_object_new_string(lsp_sync_name(i)));
		if (!class_left_out(g, i, ns))
			continue;
		pair = json_object_new_object();
		lsp_json_double(pair, "base_ns", ns[0]);
		lsp_json_double(pair, "new_ns", ns[1]);
		json_object_object_add(left, lsp_sync_name(i), pair);
	}
	json_object_object_add(o, "classes", counted);
	json_object_object_add(o, "not_counted", left);
}

static void worst_add(struct json_object *o, const struct lsp_gate_judgement *g)
{
	struct json_object *worst = json_object_new_object(), *see = json_object_new_array();

	lsp_json_string(worst, "lock", g->worst.lock);
	lsp_json_string(worst, "site", g->worst.site);
	lsp_json_string(worst, "sync", lsp_sync_name(g->worst.sync));
	lsp_json_double(worst, "base_ns", g->worst.delay_ns[0]);
	lsp_json_double(worst, "new_ns", g->worst.delay_ns[1]);
	if (g->blamed) {
		lsp_json_string(worst, "blamed", g->blamed);
		lsp_json_double(worst, "blamed_share", g->blamed_share);
	}
	for (int side = 0; side < 2; side++)
		json_object_array_add(see, lsp_json_new_string(g->near[side]));
	json_object_object_add(o, "worst", worst);
	json_object_object_add(o, "compare", see);
}

struct json_object *lsp_gate_json(const struct lsp_gate_judgement *g)
{
	struct json_object *o = json_object_new_object(), *semaphores;
	char text[300];

	reason_text(g, text, sizeof(text));
	lsp_json_string(o, "verdict", lsp_gate_verdict_name(g->result.verdict));
	lsp_json_string(o, "reason", reason_name(g->result.reason));
	lsp_json_string(o, "text", text);
	lsp_json_string(o, "per", lsp_gate_per_names[g->options->per]);
	lsp_json_string(o, "lock", g->lock ? g->lock : "");
	classes_add(o, g);
	lsp_json_double(o, "limit", g->options->limit);
	lsp_json_double(o, "floor_ns", g->options->floor_ns);
	result_add(o, &g->result);
	if (g->has_semaphores) {
		semaphores = json_object_new_object();
		lsp_json_string(semaphores, "verdict", lsp_gate_verdict_name(g->semaphores.verdict));
		result_add(semaphores, &g->semaphores);
		json_object_object_add(o, "semaphores", semaphores);
	}
	if (g->has_worst)
		worst_add(o, g);
	json_object_object_add(o, "base", runs_new(g, 0));
	json_object_object_add(o, "new", runs_new(g, 1));
	return o;
}
