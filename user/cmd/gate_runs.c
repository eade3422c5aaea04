// SPDX-License-Identifier: GPL-2.0-only
#include "gate_runs.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../profile/pprof.h"
#include "say.h"

static const char *label_of(const struct lsp_profile_sample *s, const char *key)
{
	for (size_t i = 0; i < s->nlabels; i++)
		if (s->labels[i].str && !strcmp(s->labels[i].key, key))
			return s->labels[i].str;
	return "";
}

static bool sample_counts(const struct lsp_profile_sample *s, const char *lock)
{
	static const char *const classes[] = { "mutex", "rwlock_rd", "rwlock_wr", "pi" };
	const char *sync = label_of(s, "sync");

	if (lock)
		return !strcmp(label_of(s, "lock"), lock);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strcmp(sync, classes[i]))
			return true;
	return false;
}

static bool profile_add(struct lsp_gate_run *run, const char *folder, const char *lock)
{
	char path[PATH_MAX], why[256];
	struct lsp_profile_sample s;
	struct lsp_profile *p;
	int err;

	snprintf(path, sizeof(path), "%s/block.pb.gz", folder);
	err = lsp_profile_read(path, &p, why, sizeof(why));
	if (err) {
		lsp_say("cannot read %s: %s", path, err == -EBADMSG ? why : strerror(-err));
		return false;
	}
	if (lsp_profile_types(p) != 2 || strcmp(lsp_profile_type(p, 0)->type, "contentions") ||
	    strcmp(lsp_profile_type(p, 1)->type, "delay")) {
		lsp_say("%s is no contention profile", path);
		lsp_profile_destroy(p);
		return false;
	}
	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++) {
		if (!sample_counts(&s, lock))
			continue;
		run->contentions += s.values[0];
		run->delay_ns += s.values[1];
	}
	lsp_profile_destroy(p);
	return true;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	return o && json_object_object_get_ex(o, key, &value) ? value : NULL;
}

static bool record_add(struct lsp_gate_run *run, const char *folder)
{
	struct json_object *record, *duration, *kept;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/record.json", folder);
	record = json_object_from_file(path);
	duration = member(record, "duration_ns");
	kept = member(member(member(record, "estimated"), "block"), "kept");
	if (!duration || !kept || json_object_get_int64(duration) <= 0) {
		lsp_say("%s is not what lockspan record writes", path);
		json_object_put(record);
		return false;
	}
	run->seconds = (double)json_object_get_int64(duration) / 1e9;
	run->kept = (uint64_t)json_object_get_int64(kept);
	run->partial = json_object_get_boolean(member(record, "partial"));
	json_object_put(record);
	return true;
}

static bool is_recording(const char *folder)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/record.json", folder) < sizeof(path) &&
	       !access(path, F_OK);
}

static bool recording_add(struct lsp_gate_runs *r, const char *folder, const char *lock)
{
	struct lsp_gate_run *run = &r->runs[r->n];

	if (r->n == LSP_GATE_RUNS_MAX) {
		lsp_say("more than %d runs on one side", LSP_GATE_RUNS_MAX);
		return false;
	}
	*run = (struct lsp_gate_run){ 0 };
	if (!record_add(run, folder) || !profile_add(run, folder, lock))
		return false;
	/* Of all classes; no more of these can have been kept than there are. */
	if ((double)run->kept > run->contentions)
		run->kept = (uint64_t)run->contentions;
	r->paths[r->n] = strdup(folder);
	if (!r->paths[r->n]) {
		lsp_say("no memory");
		return false;
	}
	r->n++;
	return true;
}

bool lsp_gate_runs_add(struct lsp_gate_runs *r, const char *path, const char *lock)
{
	struct dirent **names;
	size_t before = r->n;
	bool good = true;
	char inner[PATH_MAX];
	int n;

	if (is_recording(path))
		return recording_add(r, path, lock);
	n = scandir(path, &names, NULL, versionsort);
	if (n < 0) {
		lsp_say("cannot read %s: %s", path, errno == ENOTDIR ?
			"it is a file; the gate takes folders that lockspan record wrote" : strerror(errno));
		return false;
	}
	for (int i = 0; i < n; i++) {
		if (good && names[i]->d_name[0] != '.' &&
		    (size_t)snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name) <
			    sizeof(inner) && is_recording(inner))
			good = recording_add(r, inner, lock);
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
		free(r->paths[--r->n]);
}
