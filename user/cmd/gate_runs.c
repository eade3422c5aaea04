// SPDX-License-Identifier: GPL-2.0-only
#include "gate_runs.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../report/recording.h"
#include "say.h"

static enum lsp_sync class_of(const struct lsp_profile_sample *s)
{
	const char *sync = lsp_sample_text(s, "sync");

	for (unsigned int i = 0; i < LSP_SYNC_COUNT; i++)
		if (!strcmp(sync, lsp_sync_name(i)))
			return (enum lsp_sync)i;
	return LSP_SYNC_OTHER;
}

static void sum_add(struct lsp_gate_sum *to, const struct lsp_profile_sample *s)
{
	to->contentions += s->values[0];
	to->delay_ns += s->values[1];
}

static bool profile_add(struct lsp_gate_recording *run, const struct lsp_gate_wanted *w,
			struct lsp_gate_places *places, int side)
{
	char path[PATH_MAX], why[256] = "";
	struct lsp_profile_sample s;
	struct lsp_profile *p;
	int err;

	snprintf(path, sizeof(path), "%s/block.pb.gz", run->path);
	err = lsp_profile_read(path, &p, why, sizeof(why));
	if (err) {
		lsp_say("cannot read %s: %s", path, err == -EBADMSG ? why : lsp_say_errno(-err));
		return false;
	}
	if (lsp_recording_part(p, path, why, sizeof(why)) != LSP_PART_BLOCK) {
		lsp_say("%s is no block profile%s%s", path, *why ? ": " : "", why);
		lsp_profile_destroy(p);
		return false;
	}
	for (size_t i = 0; !err && lsp_profile_sample(p, i, &s); i++) {
		enum lsp_sync class = class_of(&s);

		sum_add(&run->classes[class], &s);
		if (w->lock && !strcmp(lsp_sample_text(&s, "lock"), w->lock))
			sum_add(&run->lock, &s);
		err = lsp_gate_places_add(places, p, &s, class, side);
	}
	lsp_profile_destroy(p);
	if (err)
		lsp_say("%s", lsp_say_errno(ENOMEM));
	return !err;
}

/* ---- record.json ---- */

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	return o && json_object_object_get_ex(o, key, &value) ? value : NULL;
}

/* Returns a number, or the value that its absence means. */
static double number(struct json_object *o, const char *key, double otherwise)
{
	struct json_object *value = member(o, key);
	double n = value ? json_object_get_double(value) : otherwise;

	return isfinite(n) ? n : otherwise;
}

static bool has_command(struct json_object *record)
{
	struct json_object *command = member(record, "command");

	return json_object_is_type(command, json_type_array) && json_object_array_length(command);
}

/* Says so if the recording is no measurement of what it should measure. */
static bool is_good(struct json_object *record, const char *folder, const struct lsp_gate_wanted *w)
{
	struct json_object *reasons = member(record, "partial_reasons"), *first = NULL;
	double status = number(record, "exit_status", w->status);
	bool partial = json_object_get_boolean(member(record, "partial"));

	if (json_object_is_type(reasons, json_type_array) && json_object_array_length(reasons))
		first = json_object_array_get_idx(reasons, 0);
	if (partial)
		lsp_say("%s is partial%s%s; record it again", folder, first ? ": " : "",
			first ? json_object_get_string(first) : "");
	else if (status != w->status && status > 128)
		lsp_say("%s: signal %.0f killed the command (status %.0f); a run that crashed tells nothing of a whole one",
			folder, status - 128, status);
	else if (status != w->status)
		lsp_say("%s: the command ended with status %.0f, not %.0f (--status)", folder, status,
			w->status);
	else
		return true;
	return false;
}

static bool record_add(struct lsp_gate_recording *run, const struct lsp_gate_wanted *w)
{
	struct json_object *record, *kept;
	char path[PATH_MAX];
	double duration_ns;
	bool good;

	snprintf(path, sizeof(path), "%s/record.json", run->path);
	record = json_object_from_file(path);
	duration_ns = number(record, "duration_ns", 0);
	kept = member(member(member(record, "estimated"), "block"), "kept");
	if (!kept || duration_ns <= 0) {
		lsp_say("%s is not what lockspan record writes", path);
		json_object_put(record);
		return false;
	}
	run->seconds = duration_ns / 1e9;
	run->start_ns = json_object_get_int64(member(record, "start_ns"));
	run->stop_ns = json_object_get_int64(member(record, "stop_ns"));
	run->kept = (uint64_t)json_object_get_int64(kept);
	run->complete = has_command(record) && member(record, "exit_status");
	run->settings = (struct lsp_gate_settings){
		.block_rate_ns = number(record, "block_rate_ns", 1),
		.mutex_fraction = number(record, "mutex_fraction", 1),
		.min_delay_ns = number(record, "min_delay_ns", 0),
		.within = member(record, "recorder"),
	};
	good = is_good(record, run->path, w);
	if (good && run->settings.block_rate_ns < 1) {
		lsp_say("%s was recorded without waits (--block-rate 0)", run->path);
		good = false;
	}
	json_object_put(record);
	return good;
}

/* ---- folders ---- */

static bool is_recording(const char *folder)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/record.json", folder) < sizeof(path) &&
	       !access(path, F_OK);
}

static bool recording_add(struct lsp_gate_runs *r, const char *folder,
			  const struct lsp_gate_wanted *w, struct lsp_gate_places *places, int side)
{
	struct lsp_gate_recording *run = &r->runs[r->n];

	if (r->n == LSP_GATE_RUNS_MAX) {
		lsp_say("more than %d runs on one side", LSP_GATE_RUNS_MAX);
		return false;
	}
	*run = (struct lsp_gate_recording){ .path = strdup(folder) };
	if (!run->path) {
		lsp_say("%s", lsp_say_errno(ENOMEM));
		return false;
	}
	r->n++;
	return record_add(run, w) && profile_add(run, w, places, side);
}

bool lsp_gate_runs_add(struct lsp_gate_runs *r, const char *path, const struct lsp_gate_wanted *w,
		       struct lsp_gate_places *places, int side)
{
	struct dirent **names;
	size_t before = r->n;
	bool good = true;
	char inner[PATH_MAX];
	int n;

	if (is_recording(path))
		return recording_add(r, path, w, places, side);
	n = scandir(path, &names, NULL, versionsort);
	if (n < 0) {
		lsp_say("cannot read %s: %s", path, errno == ENOTDIR ?
			"it is a file; the gate takes folders that lockspan record wrote" : lsp_say_errno(errno));
		return false;
	}
	for (int i = 0; i < n; i++) {
		if (good && names[i]->d_name[0] != '.' &&
		    (size_t)snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name) <
			    sizeof(inner) && is_recording(inner))
			good = recording_add(r, inner, w, places, side);
		free(names[i]);
	}
	free(names);
	if (good && r->n == before) {
		lsp_say("there is no recording in %s: neither record.json nor folders that have one",
			path);
		good = false;
	}
	return good;
}

void lsp_gate_runs_uninit(struct lsp_gate_runs *r)
{
	while (r->n)
		free(r->runs[--r->n].path);
}

/* ---- what they say ---- */

static bool is_alike(const struct lsp_gate_recording *a, const struct lsp_gate_recording *b)
{
	const struct lsp_gate_settings *x = &a->settings, *y = &b->settings;
	const struct {
		const char *option;
		double x, y;
	} settings[] = {
		{ "--block-rate", x->block_rate_ns, y->block_rate_ns },
		{ "--mutex-fraction", x->mutex_fraction, y->mutex_fraction },
		{ "--min-delay", x->min_delay_ns, y->min_delay_ns },
	};

	/* lockspan user measures calls, and lockspan record measures sleeps. */
	if (x->within != y->within) {
		lsp_say("%s was recorded by lockspan user, %s by lockspan record: their waits are not of one kind; record both sides in one way",
			x->within ? a->path : b->path, x->within ? b->path : a->path);
		return false;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (settings[i].x == settings[i].y)
			continue;
		lsp_say("%s and %s cannot be compared: %s was %.0f in the one, %.0f in the other",
			a->path, b->path, settings[i].option, settings[i].x, settings[i].y);
		return false;
	}
	return true;
}

bool lsp_gate_runs_alike(const struct lsp_gate_runs *base, const struct lsp_gate_runs *now)
{
	for (size_t i = 1; i < base->n; i++)
		if (!is_alike(&base->runs[0], &base->runs[i]))
			return false;
	for (size_t i = 0; i < now->n; i++)
		if (!is_alike(&base->runs[0], &now->runs[i]))
			return false;
	return true;
}

static bool is_same(const struct lsp_gate_recording *a, const struct lsp_gate_recording *b)
{
	return a->start_ns && a->start_ns == b->start_ns && a->stop_ns == b->stop_ns;
}

bool lsp_gate_runs_once(const struct lsp_gate_runs *base, const struct lsp_gate_runs *now)
{
	const struct lsp_gate_recording *all[2 * LSP_GATE_RUNS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < base->n; i++)
		all[n++] = &base->runs[i];
	for (size_t i = 0; i < now->n; i++)
		all[n++] = &now->runs[i];
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!is_same(all[k], all[i]))
				continue;
			lsp_say("%s and %s are the same recording: give each run once", all[k]->path, all[i]->path);
			return false;
		}
	}
	return true;
}

void lsp_gate_runs_take(const struct lsp_gate_runs *r, unsigned int classes,
			struct lsp_gate_run *ret)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct lsp_gate_recording *run = &r->runs[i];
		struct lsp_gate_sum sum = classes ? (struct lsp_gate_sum){ 0, 0 } : run->lock;

		for (int k = 0; k < LSP_SYNC_COUNT; k++) {
			if (!(classes >> k & 1))
				continue;
			sum.delay_ns += run->classes[k].delay_ns;
			sum.contentions += run->classes[k].contentions;
		}
		/* No more of these can have been kept than there are. */
		ret[i] = (struct lsp_gate_run){
			.delay_ns = sum.delay_ns, .contentions = sum.contentions,
			.kept = (uint64_t)fmin((double)run->kept, sum.contentions),
			.seconds = run->seconds, .complete = run->complete,
		};
	}
}

double lsp_gate_runs_class_ns(const struct lsp_gate_runs *r, enum lsp_sync class)
{
	double sum_ns = 0;

	for (size_t i = 0; i < r->n; i++)
		sum_ns += r->runs[i].classes[class].delay_ns;
	return r->n ? sum_ns / (double)r->n : 0;
}
