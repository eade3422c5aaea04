// SPDX-License-Identifier: GPL-2.0-only
/* lockspan gate: runs before, runs after, and whether waiting became worse. For CI. */
#include <argp.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "gate_runs.h"
#include "json.h"
#include "say.h"

#define EXIT_FAIL 1
#define EXIT_INCONCLUSIVE 3

enum { OPTION_MAX = 256, OPTION_PER, OPTION_FLOOR, OPTION_LOCK };

struct gate {
	struct lsp_gate_options options;
	const char *lock;
	bool json;
	char **base;		/* paths, as given */
	size_t nbase;
	struct lsp_gate_runs *runs[2];	/* before, after */
	struct lsp_gate_result result;
};

static const struct argp_option options[] = {
	{ "max", OPTION_MAX, "PERCENT", 0, "So much more delay is tolerated (default 20%)", 0 },
	{ "per", OPTION_PER, "WHAT", 0,
	  "Compare the delay of a run (default), a second or a contention", 0 },
	{ "floor", OPTION_FLOOR, "US", 0,
	  "Delay below so many microseconds a second counts as these (default 1000)", 0 },
	{ "lock", OPTION_LOCK, "NAME", 0, "Only waits for this lock count", 0 },
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
	{ 0 }
};

static const char *const per_names[] = {
	[LSP_GATE_PER_RUN] = "run", [LSP_GATE_PER_SECOND] = "second",
	[LSP_GATE_PER_CONTENTION] = "contention",
};

static double amount_parse(const char *text, const char *unit, struct argp_state *state)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || (*end && strcmp(end, unit)) || !(n > 0 && n < 1e9))
		argp_error(state, "'%s' is not an amount above 0 such as 20", text);
	return n;
}

static enum lsp_gate_per per_parse(const char *text, struct argp_state *state)
{
	for (int i = 0; i <= LSP_GATE_PER_CONTENTION; i++)
		if (!strcmp(text, per_names[i]))
			return (enum lsp_gate_per)i;
	argp_error(state, "'%s' is none of run, second and contention", text);
	return LSP_GATE_PER_RUN;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct gate *g = state->input;

	switch (key) {
	case OPTION_MAX:
		g->options.limit = amount_parse(arg, "%", state) / 100;
		break;
	case OPTION_PER:
		g->options.per = per_parse(arg, state);
		break;
	case OPTION_FLOOR:
		g->options.floor_ns = amount_parse(arg, "us", state) * 1000;
		break;
	case OPTION_LOCK:
		g->lock = arg;
		break;
	case 'j':
		g->json = true;
		break;
	case ARGP_KEY_ARGS:
		g->base = state->argv + state->next;
		g->nbase = (size_t)(state->argc - state->next);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- what is said ---- */

static const char *reason_name(enum lsp_gate_reason reason)
{
	static const char *const names[] = {
		[LSP_GATE_MEASURED] = "measured", [LSP_GATE_TOO_FEW_RUNS] = "too_few_runs",
		[LSP_GATE_TOO_SHORT] = "too_short", [LSP_GATE_PARTIAL] = "partial",
		[LSP_GATE_NOISY] = "noisy", [LSP_GATE_WIDE] = "wide",
	};

	return names[reason];
}

static void reason_text(const struct gate *g, char *to, size_t bytes)
{
	switch (g->result.reason) {
	case LSP_GATE_MEASURED:
		snprintf(to, bytes, "the whole interval is %s the limit",
			 g->result.verdict == LSP_GATE_FAIL ? "above" : "within");
		return;
	case LSP_GATE_TOO_FEW_RUNS:
		snprintf(to, bytes, "%zu and %zu runs; at least %d of each are needed",
			 g->runs[0]->n, g->runs[1]->n, LSP_GATE_RUNS_MIN);
		return;
	case LSP_GATE_TOO_SHORT:
		snprintf(to, bytes, "the runs are too short: half of them have fewer than %d waits",
			 LSP_GATE_WAITS_MIN);
		return;
	case LSP_GATE_PARTIAL:
		snprintf(to, bytes, "records were lost in a run; record it again with larger --ring-bytes");
		return;
	case LSP_GATE_NOISY:
		snprintf(to, bytes, "the baseline differs from itself by more than the limit; quiet the machine, or make more and longer runs");
		return;
	case LSP_GATE_WIDE:
		snprintf(to, bytes, "the limit lies inside the interval; make more runs");
	}
}

static void text_print(const struct gate *g)
{
	const struct lsp_gate_result *r = &g->result;
	char reason[200];

	reason_text(g, reason, sizeof(reason));
	printf("%s: %s\n", lsp_gate_verdict_name(r->verdict), reason);
	if (!r->measured)
		return;
	printf("delay per %s%s%s\n", per_names[g->options.per], g->lock ? ", lock " : "",
	       g->lock ? g->lock : "");
	printf("  base    %12.6f s, median of %zu runs\n", r->base / 1e9, g->runs[0]->n);
	printf("  new     %12.6f s, median of %zu runs\n", r->now / 1e9, g->runs[1]->n);
	printf("  change  %+11.1f %%, %.1f %% interval %+.1f to %+.1f %%; limit %+.1f %%\n",
	       100 * (r->ratio - 1), 100 * r->confidence, 100 * (r->low - 1), 100 * (r->high - 1),
	       100 * g->options.limit);
	printf("  noise   %+11.1f %% between runs of the baseline\n", 100 * (r->noise - 1));
}

static struct json_object *runs_new(const struct lsp_gate_runs *runs)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < runs->n; i++) {
		struct json_object *o = json_object_new_object();

		lsp_json_string(o, "path", runs->paths[i]);
		lsp_json_double(o, "delay_ns", runs->runs[i].delay_ns);
		lsp_json_double(o, "contentions", runs->runs[i].contentions);
		lsp_json_u64(o, "kept", runs->runs[i].kept);
		lsp_json_double(o, "seconds", runs->runs[i].seconds);
		json_object_object_add(o, "partial", json_object_new_boolean(runs->runs[i].partial));
		json_object_array_add(list, o);
	}
	return list;
}

static void json_print(const struct gate *g)
{
	struct json_object *o = json_object_new_object();
	const struct lsp_gate_result *r = &g->result;
	char text[200];

	reason_text(g, text, sizeof(text));
	lsp_json_string(o, "verdict", lsp_gate_verdict_name(r->verdict));
	lsp_json_string(o, "reason", reason_name(r->reason));
	lsp_json_string(o, "text", text);
	lsp_json_string(o, "per", per_names[g->options.per]);
	lsp_json_string(o, "lock", g->lock ? g->lock : "");
	lsp_json_double(o, "limit", g->options.limit);
	lsp_json_double(o, "floor_ns", g->options.floor_ns);
	if (r->measured) {
		lsp_json_double(o, "base_ns", r->base);
		lsp_json_double(o, "new_ns", r->now);
		lsp_json_double(o, "ratio", r->ratio);
		lsp_json_double(o, "low", r->low);
		lsp_json_double(o, "high", r->high);
		lsp_json_double(o, "confidence", r->confidence);
		lsp_json_double(o, "noise", r->noise);
	}
	json_object_object_add(o, "base", runs_new(g->runs[0]));
	json_object_object_add(o, "new", runs_new(g->runs[1]));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

/* ---- all of it ---- */

static bool runs_read(struct gate *g, char **now, size_t nnow)
{
	for (size_t i = 0; i < g->nbase; i++)
		if (!lsp_gate_runs_add(g->runs[0], g->base[i], g->lock))
			return false;
	for (size_t i = 0; i < nnow; i++)
		if (!lsp_gate_runs_add(g->runs[1], now[i], g->lock))
			return false;
	return true;
}

static int gate_run(struct gate *g, char **now, size_t nnow)
{
	static const int statuses[] = {
		[LSP_GATE_PASS] = 0, [LSP_GATE_FAIL] = EXIT_FAIL,
		[LSP_GATE_INCONCLUSIVE] = EXIT_INCONCLUSIVE,
	};
	int err;

	if (!runs_read(g, now, nnow))
		return LSP_EXIT_OTHER_FAILED;
	err = lsp_gate_decide(&g->options, g->runs[0]->runs, g->runs[0]->n, g->runs[1]->runs,
			      g->runs[1]->n, &g->result);
	if (err) {
		lsp_say("cannot compare: %s", strerror(-err));
		return LSP_EXIT_OTHER_FAILED;
	}
	if (g->json)
		json_print(g);
	else
		text_print(g);
	if (fflush(stdout) || ferror(stdout)) {
		lsp_say("cannot write the verdict");
		return LSP_EXIT_OTHER_FAILED;
	}
	return statuses[g->result.verdict];
}

static const struct argp argp = {
	.options = options, .parser = option_parse, .args_doc = "BASE... -- NEW...",
	.doc = "Tells whether a program waits longer for its locks than it did: compares at least "
	       "five recordings before with as many after."
	       "\vBASE and NEW are folders that lockspan record has written, or folders of such. "
	       "It fails when the lower end of the 95 % interval of the change is above the limit.\n\n"
	       "The exit status is 0 for PASS, 1 for FAIL, 3 for INCONCLUSIVE, 2 when it could not "
	       "compare, 64 for a usage error.",
};

int lsp_cmd_gate(int argc, char **argv)
{
	struct gate g = { .options = { .limit = 0.2, .floor_ns = 1e6 } };
	int before = 1, status = LSP_EXIT_OTHER_FAILED;

	/* What follows the dashes is the other side; to argp it would be more of the same. */
	while (before < argc && strcmp(argv[before], "--"))
		before++;
	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, before, argv, 0, NULL, &g);
	if (!g.nbase || before + 1 >= argc) {
		lsp_say("gate needs recordings on both sides: lockspan gate BASE... -- NEW...");
		return LSP_EXIT_USAGE;
	}
	g.runs[0] = calloc(1, sizeof(*g.runs[0]));
	g.runs[1] = calloc(1, sizeof(*g.runs[1]));
	if (g.runs[0] && g.runs[1])
		status = gate_run(&g, argv + before + 1, (size_t)(argc - before - 1));
	for (int i = 0; i < 2; i++) {
		if (g.runs[i])
			lsp_gate_runs_uninit(g.runs[i]);
		free(g.runs[i]);
	}
	return status;
}
