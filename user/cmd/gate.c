// SPDX-License-Identifier: GPL-2.0-only
/* lockspan gate: runs before, runs after, and whether waiting became worse. For CI. */
#include <argp.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../gate/power.h"
#include "cmd.h"
#include "gate_ci.h"
#include "parse.h"
#include "reading.h"
#include "say.h"

#define EXIT_FAIL 1
#define EXIT_INCONCLUSIVE 3
#define POWER_REPETITIONS 10000

#define LOCKS (1U << LSP_SYNC_MUTEX | 1U << LSP_SYNC_RWLOCK_RD | 1U << LSP_SYNC_RWLOCK_WR | \
	       1U << LSP_SYNC_PI)
#define SEMAPHORES (1U << LSP_SYNC_SEM)

enum { OPTION_MAX = 256, OPTION_PER, OPTION_FLOOR, OPTION_LOCK, OPTION_SYNC, OPTION_STATUS,
       OPTION_ABSENT, OPTION_POWER, OPTION_JUNIT, OPTION_GITHUB };

struct gate {
	struct lsp_gate_options options;
	struct lsp_gate_wanted wanted;
	unsigned int classes;	/* classes of --sync; 0: locks, with semaphores judged apart */
	bool floor_given, absent, power, json, github;
	const char *junit;	/* a file to write, or NULL */
	char **base;		/* paths, as given */
	size_t nbase;
	struct lsp_gate_places waits, releases;
	struct lsp_gate_judgement found;
};

static const struct argp_option options[] = {
	{ "max", OPTION_MAX, "PERCENT", 0, "Tolerate this much more delay (default 20%)", 0 },
	{ "per", OPTION_PER, "WHAT", 0,
	  "Compare the delay of a run (default), a second or a contention", 0 },
	{ "floor", OPTION_FLOOR, "US", 0,
	  "A delay of less than US microseconds in each second counts as that much (default 1000)", 0 },
	{ "lock", OPTION_LOCK, "NAME", 0, "Only waits for this lock count", 0 },
	{ "absent", OPTION_ABSENT, NULL, 0,
	  "With --lock: a side in which nobody waits for the lock has no delay; without this option that is an error", 0 },
	{ "sync", OPTION_SYNC, "CLASS[,...]", 0,
	  "Waits of these classes count: lock (mutex, rwlock, pi), sem, cond ...", 0 },
	{ "status", OPTION_STATUS, "N", 0, "The exit status of a run that ended well (default 0)", 0 },
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
	{ "junit", OPTION_JUNIT, "FILE", 0, "Write FILE too, in the form of JUnit's reports", 0 },
	{ "github", OPTION_GITHUB, NULL, 0, "Print an annotation for GitHub's workflows too", 0 },
	{ "power", OPTION_POWER, NULL, 0, "Print how many changes of known size the gate finds, and end", 0 },
	{ 0 }
};

static double amount_parse(const char *text, const char *unit, struct argp_state *state)
{
	double n = 0;

	if (!lsp_text_amount(text, unit, &n) || n >= 1e9)
		argp_error(state, "'%s' is not an amount above 0 such as 20", text);
	return n;
}

static enum lsp_gate_per per_parse(const char *text, struct argp_state *state)
{
	for (int i = 0; i <= LSP_GATE_PER_CONTENTION; i++)
		if (!strcmp(text, lsp_gate_per_names[i]))
			return (enum lsp_gate_per)i;
	argp_error(state, "'%s' is none of run, second and contention", text);
	return LSP_GATE_PER_RUN;
}

/* Returns the classes that a word of --sync names; 0: none. */
static unsigned int class_parse(const char *word, size_t n)
{
	static const struct {
		const char *word;
		unsigned int classes;
	} groups[] = {
		{ "lock", LOCKS },
		{ "rwlock", 1U << LSP_SYNC_RWLOCK_RD | 1U << LSP_SYNC_RWLOCK_WR },
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strlen(groups[i].word) == n && !memcmp(groups[i].word, word, n))
			return groups[i].classes;
	for (unsigned int i = 0; i < LSP_SYNC_COUNT; i++)
		if (strlen(lsp_sync_name(i)) == n && !memcmp(lsp_sync_name(i), word, n))
			return 1U << i;
	return 0;
}

static unsigned int classes_parse(const char *text, struct argp_state *state)
{
	unsigned int classes = 0, one;
	size_t n;

	for (;; text += n + 1) {
		n = strcspn(text, ",");
		one = class_parse(text, n);
		if (!one)
			argp_error(state, "'%.*s' is no class: --sync takes lock, rwlock, mutex, sem, pi, cond, barrier, join, once, runtime and other",
				   (int)n, text);
		classes |= one;
		if (!text[n])
			return classes;
	}
}

static double status_parse(const char *text, struct argp_state *state)
{
	uint64_t n = 0;

	if (!lsp_text_number(text, 255, &n))
		argp_error(state, "'%s' is no exit status: 0 to 255", text);
	return (double)n;
}

static void options_check(const struct gate *g, struct argp_state *state)
{
	if (g->wanted.lock && g->classes)
		argp_error(state, "give only one of --lock and --sync");
	if (g->absent && !g->wanted.lock)
		argp_error(state, "--absent goes with --lock");
	if (g->github && g->json)
		argp_error(state, "give only one of --github and --json");
	if (g->floor_given && g->options.per == LSP_GATE_PER_CONTENTION)
		argp_error(state, "--floor is a delay in each second; with --per contention there is none");
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
		g->floor_given = true;
		break;
	case OPTION_LOCK:
		g->wanted.lock = arg;
		break;
	case OPTION_SYNC:
		g->classes = classes_parse(arg, state);
		break;
	case OPTION_STATUS:
		g->wanted.status = status_parse(arg, state);
		break;
	case OPTION_ABSENT:
		g->absent = true;
		break;
	case OPTION_POWER:
		g->power = true;
		break;
	case OPTION_JUNIT:
		g->junit = arg;
		break;
	case OPTION_GITHUB:
		g->github = true;
		break;
	case 'j':
		g->json = true;
		break;
	case ARGP_KEY_ARGS:
		g->base = state->argv + state->next;
		g->nbase = (size_t)(state->argc - state->next);
		break;
	case ARGP_KEY_END:
		options_check(g, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- judging ---- */

static bool runs_read(struct gate *g, char **now, size_t nnow)
{
	struct lsp_gate_runs **runs = g->found.runs;

	for (size_t i = 0; i < g->nbase; i++)
		if (!lsp_gate_runs_add(runs[0], g->base[i], &g->wanted, &g->waits, 0))
			return false;
	for (size_t i = 0; i < nnow; i++)
		if (!lsp_gate_runs_add(runs[1], now[i], &g->wanted, &g->waits, 1))
			return false;
	return lsp_gate_runs_alike(runs[0], runs[1]) && lsp_gate_runs_once(runs[0], runs[1]);
}

/*
 * A name that a side does not know is mistyped, or the lock has another name now. Then there is no
 * verdict.
 */
static bool lock_check(const struct gate *g)
{
	static const char *const sides[] = { "BASE", "NEW" };
	bool met[2] = { false, false };
	char *names = NULL;
	size_t bytes;
	FILE *to;

	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < g->found.runs[side]->n; i++)
			met[side] |= g->found.runs[side]->runs[i].lock.contentions > 0;
	if (!g->wanted.lock || (met[0] && met[1]) || (g->absent && (met[0] || met[1])))
		return true;
	to = open_memstream(&names, &bytes);
	if (to) {
		lsp_gate_places_locks(&g->waits, met[0] ? 1 : 0, to);
		fclose(to);
	}
	lsp_say("no run of %s waited for lock '%s'%s; waited for were: %s",
		met[0] ? sides[1] : met[1] ? sides[0] : "either side", g->wanted.lock,
		met[0] || met[1] ? " (--absent if it has gone or is new)" : "",
		names && *names ? names : "none");
	free(names);
	return false;
}

static int classes_decide(const struct gate *g, unsigned int classes, struct lsp_gate_result *ret)
{
	struct lsp_gate_run base[LSP_GATE_RUNS_MAX], now[LSP_GATE_RUNS_MAX];

	lsp_gate_runs_take(g->found.runs[0], classes, base);
	lsp_gate_runs_take(g->found.runs[1], classes, now);
	return lsp_gate_decide(&g->options, base, g->found.runs[0]->n, now, g->found.runs[1]->n, ret);
}

static bool is_quiet(const struct gate *g, unsigned int classes)
{
	struct lsp_gate_run runs[LSP_GATE_RUNS_MAX];

	for (int side = 0; side < 2; side++) {
		lsp_gate_runs_take(g->found.runs[side], classes, runs);
		if (!lsp_gate_is_quiet(&g->options, runs, g->found.runs[side]->n))
			return false;
	}
	return true;
}

/* Semaphores are judged in place of locks if nobody waits for locks, otherwise beside them. */
static int decide(struct gate *g)
{
	struct lsp_gate_judgement *f = &g->found;
	int err;

	f->lock = g->wanted.lock;
	f->classes = f->lock ? 0 : g->classes ? g->classes : LOCKS;
	if (f->lock || g->classes || is_quiet(g, SEMAPHORES))
		return classes_decide(g, f->classes, &f->result);
	if (is_quiet(g, LOCKS)) {
		f->classes = SEMAPHORES;
		return classes_decide(g, f->classes, &f->result);
	}
	err = classes_decide(g, LOCKS, &f->result);
	if (!err)
		err = classes_decide(g, SEMAPHORES, &f->semaphores);
	f->has_semaphores = true;
	if (!err)
		lsp_gate_join(&f->result, &f->semaphores);
	return err;
}

/* ---- where it has become worse ---- */

/* Returns the path of the run whose delay is nearest to the median of its side. */
static const char *near_find(const struct gate *g, int side, unsigned int classes)
{
	const struct lsp_gate_runs *runs = g->found.runs[side];
	struct lsp_gate_run taken[LSP_GATE_RUNS_MAX];
	double sorted[LSP_GATE_RUNS_MAX], median;
	size_t best = 0;

	lsp_gate_runs_take(runs, classes, taken);
	for (size_t i = 0; i < runs->n; i++)
		sorted[i] = taken[i].delay_ns;
	median = lsp_median(sorted, runs->n);
	for (size_t i = 1; i < runs->n; i++)
		if (fabs(taken[i].delay_ns - median) < fabs(taken[best].delay_ns - median))
			best = i;
	return runs->runs[best].path;
}

/* Finds who released the worst lock in the new runs. Their mutex profiles may be missing. */
static void blame_find(struct gate *g)
{
	const struct lsp_gate_runs *now = g->found.runs[1];
	struct lsp_profile_sample s;
	struct lsp_profile *p;
	char path[PATH_MAX], why[256];

	for (size_t i = 0; i < now->n; i++) {
		snprintf(path, sizeof(path), "%s/mutex.pb.gz", now->runs[i].path);
		if (lsp_profile_read(path, &p, why, sizeof(why)))
			continue;
		for (size_t k = 0; lsp_profile_types(p) == 2 && lsp_profile_sample(p, k, &s); k++)
			if (lsp_gate_places_add(&g->releases, p, &s, LSP_SYNC_OTHER, 1))
				break;
		lsp_profile_destroy(p);
	}
	g->found.blamed = lsp_gate_places_most(&g->releases, g->found.worst.lock, 1,
					       &g->found.blamed_share);
}

static void worst_find(struct gate *g)
{
	struct lsp_gate_judgement *f = &g->found;
	unsigned int classes = f->result.reason == LSP_GATE_SEMAPHORES ? SEMAPHORES : f->classes;
	struct lsp_gate_run taken[LSP_GATE_RUNS_MAX];
	double divisor[2] = { 0, 0 };

	for (int side = 0; side < 2; side++) {
		lsp_gate_runs_take(f->runs[side], classes, taken);
		for (size_t i = 0; i < f->runs[side]->n; i++)
			divisor[side] += g->options.per == LSP_GATE_PER_SECOND ? taken[i].seconds :
					 g->options.per == LSP_GATE_PER_RUN ? 1 : taken[i].contentions;
		if (!(divisor[side] > 0))
			return;
	}
	f->has_worst = lsp_gate_places_worst(&g->waits, classes, f->lock, divisor, &f->worst);
	if (!f->has_worst)
		return;
	for (int side = 0; side < 2; side++)
		f->near[side] = near_find(g, side, classes);
	blame_find(g);
}

/* ---- all of it ---- */

static bool junit_write(const struct gate *g, bool judged)
{
	int err = g->junit ? lsp_gate_junit(g->junit, judged ? &g->found : NULL) : 0;

	if (err)
		lsp_say("cannot write %s: %s", g->junit, lsp_say_errno(-err));
	return !err;
}

/* Compares, and prints what comes of it. *@judged is set when there is a verdict. Returns the exit status. */
static int gate_run(struct gate *g, char **now, size_t nnow, bool *judged)
{
	static const int statuses[] = {
		[LSP_GATE_PASS] = 0, [LSP_GATE_FAIL] = EXIT_FAIL,
		[LSP_GATE_INCONCLUSIVE] = EXIT_INCONCLUSIVE,
	};
	struct lsp_gate_judgement *f = &g->found;
	int err;

	f->options = &g->options;
	if (!runs_read(g, now, nnow) || !lock_check(g))
		return LSP_EXIT_OTHER_FAILED;
	err = decide(g);
	if (err) {
		lsp_say("cannot compare: %s", lsp_say_errno(-err));
		return LSP_EXIT_OTHER_FAILED;
	}
	if (f->result.verdict == LSP_GATE_FAIL || f->result.reason == LSP_GATE_SEMAPHORES)
		worst_find(g);
	*judged = true;
	if (!g->json)
		lsp_gate_text(stdout, f);
	if (g->github && lsp_gate_github(stdout, f))
		return LSP_EXIT_OTHER_FAILED;
	if (!lsp_reading_finish(g->json ? lsp_gate_json(f) : NULL))
		return LSP_EXIT_OTHER_FAILED;
	return statuses[f->result.verdict];
}

static int power_print(const struct gate *g)
{
	char line[200];
	int more = 1;

	for (unsigned int i = 0; more > 0; i++) {
		more = lsp_gate_power_line(&g->options, i, POWER_REPETITIONS, line, sizeof(line));
		if (more > 0)
			puts(line);
	}
	return lsp_reading_finish(NULL) && !more ? 0 : LSP_EXIT_OTHER_FAILED;
}

static const struct argp argp = {
	.options = options, .parser = option_parse, .args_doc = "BASE... -- NEW...",
	.doc = "Tells whether a program waits longer for its locks than before a change. Compares "
	       "at least five recordings before the change with at least five after it."
	       "\vBASE and NEW are folders that lockspan record has written, or folders that hold such folders. "
	       "The verdict is FAIL when the lower end of the 95 % interval of the change is above the limit.\n\n"
	       "The exit status is 0 for PASS, 1 for FAIL, 3 for INCONCLUSIVE, 2 when it could not "
	       "compare, 64 for a usage error.",
};

int lsp_cmd_gate(int argc, char **argv)
{
	struct gate g = { .options = { .limit = 0.2, .floor_ns = 1e6 } };
	int before = 1, status = LSP_EXIT_OTHER_FAILED;
	bool judged = false;

	/*
	 * What follows the dashes is the other side. argp would take it for more of the first side.
	 */
	while (before < argc && strcmp(argv[before], "--"))
		before++;
	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, before, argv, 0, NULL, &g);
	if (g.power)
		return power_print(&g);
	if (!g.nbase || before + 1 >= argc) {
		lsp_say("gate needs recordings on both sides: lockspan gate BASE... -- NEW...");
		return LSP_EXIT_USAGE;
	}
	lsp_gate_places_init(&g.waits);
	lsp_gate_places_init(&g.releases);
	g.found.runs[0] = calloc(1, sizeof(*g.found.runs[0]));
	g.found.runs[1] = calloc(1, sizeof(*g.found.runs[1]));
	if (g.found.runs[0] && g.found.runs[1])
		status = gate_run(&g, argv + before + 1, (size_t)(argc - before - 1), &judged);
	/* Also if there is no verdict, lest CI shows the file of an earlier one. */
	if (!junit_write(&g, judged))
		status = LSP_EXIT_OTHER_FAILED;
	for (int i = 0; i < 2; i++) {
		if (g.found.runs[i])
			lsp_gate_runs_uninit(g.found.runs[i]);
		free(g.found.runs[i]);
	}
	lsp_gate_places_uninit(&g.waits);
	lsp_gate_places_uninit(&g.releases);
	return status;
}
