// SPDX-License-Identifier: GPL-2.0-only
/* lockspan whatif: what shorter holds of a lock would gain. */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../report/json.h"
#include "../report/words.h"
#include "cmd.h"
#include "parse.h"
#include "reading.h"
#include "say.h"
#include "whatif_load.h"

#define FORMAT 1
#define FIXES 5

struct whatif_options {
	const char *path;
	const char *site;
	const char *lock;
	double shorten_percent;
	uint32_t split;
	bool json;
};

/* A change as it was asked for, or as one row of the list, and what it would gain. */
struct fix {
	const char *site;	/* NULL: all */
	const char *lock;	/* NULL: all */
	struct lsp_whatif_answer answer;
};

enum { OPTION_SITE = 0x200, OPTION_LOCK, OPTION_SHORTEN, OPTION_SPLIT };

static const struct argp_option options[] = {
	{ "site", OPTION_SITE, "NAME", 0, "The function whose holds become shorter, as lockspan report names it; "
	  "without it, the fixes that would gain most are listed", 0 },
	{ "lock", OPTION_LOCK, "NAME", 0, "Only holds of the lock of this name", 0 },
	{ "shorten", OPTION_SHORTEN, "PERCENT", 0, "By how much of their length they become shorter (default 20%)", 0 },
	{ "split", OPTION_SPLIT, "N", 0, "Instead, put N locks in the place of the lock, each for an equal part of its work; needs --lock", 0 },
	{ "skip", 's', "REGEX", 0, LSP_SKIP_HELP, 0 },
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
	{ 0 }
};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct whatif_options *o = state->input;

	switch (key) {
	case OPTION_SITE:
		o->site = arg;
		return 0;
	case OPTION_LOCK:
		o->lock = arg;
		return 0;
	case OPTION_SHORTEN:
		if (!lsp_text_amount(arg, "%", &o->shorten_percent) || o->shorten_percent > 100)
			argp_error(state, "--shorten %s: how much of their length, as in 20%%, up to 100%%", arg);
		return 0;
	case OPTION_SPLIT:
		o->split = (uint32_t)lsp_parse_number(arg, 1024, state);
		if (o->split < 2)
			argp_error(state, "--split %s: into two locks or more", arg);
		return 0;
	case 's':
		lsp_skip_parse(arg, state);
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->path)
			argp_error(state, "one recording, not more: %s", arg);
		o->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->path)
			argp_error(state, "which recording? give its folder");
		if (o->split && (!o->lock || o->site))
			argp_error(state, "--split needs --lock, and is for all of its sites");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Which of the names in @t are @name; NULL is all. Returns how many, or -ENOMEM. */
static int names_find(const struct lsp_intern *t, const char *name, bool **ret)
{
	int n = 0;

	*ret = calloc(t->count + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		(*ret)[i] = lsp_words_asked(lsp_intern_get(t, i, NULL), name);
		n += (*ret)[i];
	}
	return n;
}

/* Predicts one fix. Returns 0, -ENOENT if there is no such site or lock, or -ENOMEM. */
static int fix_predict(const struct whatif_options *o, const struct lsp_whatif_loaded *l, struct lsp_whatif *w, struct fix *f)
{
	struct lsp_whatif_change c = { .shorten = o->split ? 0 : o->shorten_percent / 100 };
	bool *sites = NULL, *names = NULL, *locks = calloc(l->nlocks + 1, sizeof(*locks));
	int nsites = names_find(&l->names, f->site, &sites), nnames = names_find(&l->lock_names, f->lock, &names);
	size_t nlocks = 0, unknown = 0;
	int err = nsites < 0 || nnames < 0 || !locks ? -ENOMEM : nsites && nnames ? 0 : -ENOENT;

	for (size_t i = 0; !err && i < l->nlocks; i++) {
		locks[i] = names[l->lock_name[i]];
		unknown += locks[i] && !l->known[i];
		if (locks[i] && l->known[i]) {
			nlocks++;
			c.split_lock = (uint32_t)i;
		}
	}
	c.sites = sites;
	c.locks = locks;
	c.split = o->split;
	memset(&f->answer, 0, sizeof(f->answer));
	if (!err && f->lock && unknown)
		f->answer.refused = "it is not a mutex, and only the rules of mutexes are replayed";
	else if (!err && o->split && nlocks > 1)
		f->answer.refused = "several locks have this name";
	else if (!err)
		err = lsp_whatif_predict(w, &c, &f->answer);
	free(sites);
	free(names);
	free(locks);
	return err;
}

/* ---- text ---- */

static void title_write(const struct whatif_options *o, const struct fix *f)
{
	if (o->split) {
		printf("if ");
		lsp_words_name(stdout, f->lock);
		printf(" were %u locks\n", o->split);
		return;
	}
	printf("if the holds of ");
	lsp_words_name(stdout, f->site ? f->site : "all sites");
	if (f->lock) {
		printf(" on ");
		lsp_words_name(stdout, f->lock);
	}
	printf(" were %g%% shorter\n", o->shorten_percent);
}

static double percent(double factor)
{
	return (factor - 1) * 100;
}

static void fix_write(const struct whatif_options *o, const struct fix *f)
{
	const struct lsp_whatif_answer *a = &f->answer;
	char w[4][LSP_WORD];

	title_write(o, f);
	if (a->refused) {
		printf("  no prediction: %s\n", a->refused);
		if (a->mean_waiting > 0)
			printf("  %.1f threads waited on average\n", a->mean_waiting);
		return;
	}
	printf("  waiting     %s instead of %s (95%%: %s..%s)\n", lsp_words_ns(w[0], a->after_ns.value),
	       lsp_words_ns(w[1], a->before_ns), lsp_words_ns(w[2], a->after_ns.low), lsp_words_ns(w[3], a->after_ns.high));
	printf("  at once     %.1f threads instead of %.1f\n", a->after_ns.value / a->after_duration_ns,
	       a->before_ns / a->duration_ns);
	printf("  work        %+.1f%% in the same time (95%%: %+.1f%%..%+.1f%%)\n", percent(a->throughput.value),
	       percent(a->throughput.low), percent(a->throughput.high));
	printf("  unchanged, %u replays give %.1f%% of the waiting that was recorded\n", a->replays, a->replayed * 100);
}

static void fixes_write(const struct whatif_options *o, const struct fix *fixes, size_t n)
{
	char w[4][LSP_WORD], bounds[3 * LSP_WORD];

	printf("%9s  %-19s %8s | if its holds were %g%% shorter\n", "waiting", "95%", "work", o->shorten_percent);
	for (size_t i = 0; i < n; i++) {
		const struct lsp_whatif_answer *a = &fixes[i].answer;

		if (a->refused) {
			printf("%9s  %-19s %8s | ", "-", "", "");
		} else {
			snprintf(bounds, sizeof(bounds), "%s..%s", lsp_words_ns(w[1], a->after_ns.low),
				 lsp_words_ns(w[2], a->after_ns.high));
			printf("%9s  %-19s %+7.1f%% | ", lsp_words_ns(w[0], a->after_ns.value), bounds,
			       percent(a->throughput.value));
		}
		lsp_words_name(stdout, fixes[i].site);
		printf("  ");
		lsp_words_name(stdout, *fixes[i].lock ? fixes[i].lock : "(not known)");
		printf(a->refused ? "  %s\n" : "\n", a->refused);
	}
}

/* ---- JSON ---- */

static void number_add(struct json_object *to, const char *key, double value)
{
	json_object_object_add(to, key, lsp_report_json_number(value));
}

static void text_add(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *fix_json(const struct whatif_options *o, const struct fix *f)
{
	const struct lsp_whatif_answer *a = &f->answer;
	struct json_object *j = json_object_new_object();

	text_add(j, "site", f->site);
	text_add(j, "lock", f->lock);
	if (o->split)
		number_add(j, "split", o->split);
	else
		number_add(j, "shorten_percent", o->shorten_percent);
	text_add(j, "refused", a->refused);
	number_add(j, "mean_waiting", a->mean_waiting);
	number_add(j, "waiting_before_ns", a->before_ns);
	if (a->refused)
		return j;
	number_add(j, "waiting_after_ns", a->after_ns.value);
	number_add(j, "waiting_low_ns", a->after_ns.low);
	number_add(j, "waiting_high_ns", a->after_ns.high);
	number_add(j, "throughput_percent", percent(a->throughput.value));
	number_add(j, "throughput_low", percent(a->throughput.low));
	number_add(j, "throughput_high", percent(a->throughput.high));
	number_add(j, "replayed_percent", a->replayed * 100);
	number_add(j, "replays", a->replays);
	return j;
}

static bool one_show(const struct whatif_options *o, const struct fix *f)
{
	struct json_object *j = o->json ? fix_json(o, f) : NULL;

	if (j)
		number_add(j, "format", FORMAT);
	else
		fix_write(o, f);
	return lsp_reading_finish(j);
}

static bool list_show(const struct whatif_options *o, const struct fix *fixes, size_t n)
{
	struct json_object *j = NULL, *rows;

	if (o->json) {
		j = json_object_new_object();
		rows = json_object_new_array();
		number_add(j, "format", FORMAT);
		for (size_t i = 0; i < n; i++)
			json_object_array_add(rows, fix_json(o, &fixes[i]));
		json_object_object_add(j, "rows", rows);
	} else {
		fixes_write(o, fixes, n);
	}
	return lsp_reading_finish(j);
}

/* ---- what was asked ---- */

static int refused_say(const struct whatif_options *o, const char *why)
{
	struct fix f = { .site = o->site, .lock = o->lock, .answer.refused = why };

	if (o->json)
		return one_show(o, &f) ? LSP_EXIT_OTHER_PARTIAL : LSP_EXIT_OTHER_FAILED;
	lsp_say("%s: %s", o->path, why);
	return LSP_EXIT_OTHER_PARTIAL;
}

static int one_answer(const struct whatif_options *o, const struct lsp_whatif_loaded *l, struct lsp_whatif *w)
{
	struct fix f = { .site = o->site, .lock = o->lock };
	int err = fix_predict(o, l, w, &f);

	if (err == -ENOENT) {
		lsp_say("%s: no hold of such a site and lock was recorded; lockspan whatif %s lists them", o->path, o->path);
		return LSP_EXIT_USAGE;
	}
	if (err) {
		lsp_say("%s", lsp_say_errno(-err));
		return LSP_EXIT_OTHER_FAILED;
	}
	if (!one_show(o, &f))
		return LSP_EXIT_OTHER_FAILED;
	return f.answer.refused ? LSP_EXIT_OTHER_PARTIAL : 0;
}

static int fix_compare(const void *a, const void *b)
{
	const struct lsp_whatif_answer *x = &((const struct fix *)a)->answer, *y = &((const struct fix *)b)->answer;

	if (!x->refused != !y->refused)
		return x->refused ? 1 : -1;
	return (x->after_ns.value > y->after_ns.value) - (x->after_ns.value < y->after_ns.value);
}

/* The sites with the largest charges are tried, because nobody else's holds can gain more. */
static int list_answer(const struct whatif_options *o, const struct lsp_whatif_loaded *l, struct lsp_whatif *w)
{
	struct fix fixes[FIXES];
	size_t n = 0, refused = 0;

	for (size_t i = 0; i < l->nplaces && n < FIXES; i++) {
		struct fix f = { .site = lsp_intern_get(&l->names, l->places[i].site, NULL),
				 .lock = lsp_intern_get(&l->lock_names, l->places[i].lock_name, NULL) };
		int err;

		if (!lsp_words_asked(f.lock, o->lock))
			continue;
		err = fix_predict(o, l, w, &f);
		if (err) {
			lsp_say("%s", lsp_say_errno(-err));
			return LSP_EXIT_OTHER_FAILED;
		}
		refused += f.answer.refused != NULL;
		fixes[n++] = f;
	}
	if (!n)
		return refused_say(o, "nobody waited for a mutex whose release was recorded");
	qsort(fixes, n, sizeof(*fixes), fix_compare);
	if (!list_show(o, fixes, n))
		return LSP_EXIT_OTHER_FAILED;
	return refused == n ? LSP_EXIT_OTHER_PARTIAL : 0;
}

static int answer(const struct whatif_options *o, const struct lsp_whatif_loaded *l)
{
	struct lsp_whatif w;
	int err, status;

	err = lsp_whatif_create(&l->recorded, l->fair, l->elsewhere_ns, &w);
	if (err) {
		lsp_say("%s", lsp_say_errno(-err));
		return LSP_EXIT_OTHER_FAILED;
	}
	status = o->site || o->split ? one_answer(o, l, &w) : list_answer(o, l, &w);
	lsp_whatif_destroy(&w);
	return status;
}

int lsp_cmd_whatif(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse, .args_doc = "DIR",
		.doc = "Predicts how much less would be waited, and how much more work would be done, if the holds of a lock were "
		       "shorter, by replaying what each thread did. Needs every single event of the recording."
		       "\vThe exit status is 0, 1 when there is no prediction, 2 when the recording could not be read, 64 for a "
		       "usage error.",
	};
	struct whatif_options o = { .shorten_percent = 20 };
	struct lsp_whatif_loaded loaded;
	const char *why;
	int err, status;

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	err = lsp_whatif_load(o.path, &loaded, &why);
	if (!err) {
		status = answer(&o, &loaded);
	} else if (why) {
		status = refused_say(&o, why);
	} else {
		lsp_say("%s: %s", o.path, err == -EBADMSG ? "its spans.lspan is not a span file" : lsp_say_errno(-err));
		status = LSP_EXIT_OTHER_FAILED;
	}
	lsp_whatif_loaded_uninit(&loaded);
	return status;
}
