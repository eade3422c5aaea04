// SPDX-License-Identifier: GPL-2.0-only
/* lockspan compare: the kernel's side of a run against the program's own. */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compare/compare.h"
#include "cmd.h"
#include "folder.h"
#include "load.h"
#include "parse.h"
#include "reading.h"
#include "say.h"
#include "source.h"

#define PATHS_MAX 16

struct compare_options {
	bool json;
	size_t top;
	const char *paths[PATHS_MAX];
	size_t npaths;
	char fetched[64];	/* where the profile that was fetched is put */
};

static const struct argp_option options[] = {
	{ "top", 'n', "N", 0, "Show N rows (default 20); 0 shows all", 0 },
	{ "skip", 's', "REGEX", 0, LSP_SKIP_HELP, 0 },
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
	{ 0 }
};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct compare_options *o = state->input;

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 's':
		lsp_skip_parse(arg, state);
		return 0;
	case 'n':
		o->top = lsp_parse_rows(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (o->npaths == PATHS_MAX)
			argp_error(state, "too many files: %s", arg);
		o->paths[o->npaths++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->npaths)
			argp_error(state, "what is to be compared? give a folder of record --with-user, or two sides");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Blame is in the profiles, not in the spans. A side may lack them. */
static int blame_compare(const char *kernel, const char *user, struct lsp_compare *c)
{
	const char *const folders[2] = { kernel, user };
	struct lsp_profile *p[2] = { NULL, NULL };
	char path[PATH_MAX], why[256];
	int err;

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/mutex.pb.gz", folders[i]);
		if (lsp_profile_read(path, &p[i], why, sizeof(why)))
			p[i] = NULL;
	}
	err = lsp_compare_blame(c, p[0], p[1]);
	for (int i = 0; i < 2; i++)
		lsp_profile_destroy(p[i]);
	if (err)
		lsp_compare_uninit(c);
	return err;
}

/* Returns -ENODATA if there are no single events to be compared. Then sums are compared. */
static int spans_compare(const char *kernel, const char *user, struct lsp_compare *c)
{
	char paths[2][PATH_MAX];
	int err;

	snprintf(paths[0], PATH_MAX, "%s/spans.lspan", kernel);
	snprintf(paths[1], PATH_MAX, "%s/spans.lspan", user);
	if (access(paths[0], R_OK) || access(paths[1], R_OK))
		return -ENODATA;
	err = lsp_compare_spans(paths[0], paths[1], c);
	return err ? err : blame_compare(kernel, user, c);
}

static int sums_compare(const char *kernel, const char *const *users, size_t nusers,
			struct lsp_compare *c, bool *partial)
{
	struct lsp_recording k = { 0 }, u = { 0 };
	bool good = lsp_load(&k, kernel, partial);
	int err = -EINVAL;

	for (size_t i = 0; good && i < nusers; i++)
		good = lsp_load(&u, users[i], partial);
	if (good) {
		err = lsp_compare_profiles(&k, &u, c);
		if (err)
			lsp_say("cannot compare: %s", lsp_say_errno(-err));
	}
	lsp_recording_uninit(&k);
	lsp_recording_uninit(&u);
	return err;
}

/*
 * Says why there is nothing to compare: either something is wrong with the one path, or only one
 * path was given.
 */
static void one_side_say(const char *path, bool *partial)
{
	struct lsp_recording r = { 0 };

	if (lsp_load(&r, path, partial))
		lsp_say("%s has no user side; record it --with-user, or name the other side, too", path);
	lsp_recording_uninit(&r);
}

/*
 * Fetches the profiles from an address into a folder, and puts the folder in place of the address.
 */
static bool addresses_take(struct compare_options *o, char *folder)
{
	for (size_t i = 1; i < o->npaths; i++) {
		if (!lsp_source_is_url(o->paths[i]))
			continue;
		if (*folder) {
			lsp_say("one address at most: %s", o->paths[i]);
			return false;
		}
		strcpy(folder, "/tmp/lockspan-XXXXXX");
		if (!mkdtemp(folder)) {
			lsp_say("cannot make a folder in /tmp: %s", lsp_say_errno(errno));
			*folder = '\0';
			return false;
		}
		if (!lsp_source_take(o->paths[i], folder, NULL))
			return false;
		snprintf(o->fetched, sizeof(o->fetched), "%s/block.pb.gz", folder);
		o->paths[i] = o->fetched;
	}
	return true;
}

static int sides_compare(const struct compare_options *o, struct lsp_compare *c, bool *partial)
{
	char inner[PATH_MAX], path[PATH_MAX + 16];
	const char *users[PATHS_MAX] = { inner };
	size_t n = o->npaths > 1 ? o->npaths - 1 : 1;
	int err = -ENODATA;

	snprintf(inner, sizeof(inner), "%s/user", o->paths[0]);
	for (size_t i = 1; i < o->npaths; i++)
		users[i - 1] = o->paths[i];
	if (o->npaths == 1 && access(inner, R_OK)) {
		one_side_say(o->paths[0], partial);
		return -ENOENT;
	}
	if (n == 1)
		err = spans_compare(o->paths[0], users[0], c);
	/* A program's own profiles lack the other parts of a recording. */
	snprintf(path, sizeof(path), "%s/record.json", inner);
	if (o->npaths == 1 && access(path, R_OK)) {
		snprintf(path, sizeof(path), "%s/block.pb.gz", inner);
		users[0] = path;
		err = -ENODATA;
	}
	if (err == -ENODATA)
		return sums_compare(o->paths[0], users, n, c, partial);
	if (err)
		lsp_say("cannot compare: %s", lsp_say_errno(-err));
	return err;
}

int lsp_cmd_compare(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse, .args_doc = "DIR | KERNEL USER...",
		.doc = "Compares what the kernel saw of a run with what the program saw, and explains the "
		       "difference. DIR is a folder of record --with-user. In the other form KERNEL is a "
		       "folder of lockspan record, and USER a folder of lockspan user, or the block "
		       "profile that a Go program wrote of itself or serves (http://.../debug/pprof)."
		       "\vThe exit status is 0, 1 when a side is partial, 2 when they cannot be compared, "
		       "64 for a usage error.",
	};
	struct compare_options o = { .top = 20 };
	struct lsp_compare c;
	bool partial = false, good;
	struct json_object *json = NULL;
	char folder[32] = "";
	int err;

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	err = addresses_take(&o, folder) ? sides_compare(&o, &c, &partial) : -EIO;
	if (*folder) {
		lsp_folder_clear(folder);
		rmdir(folder);
	}
	if (err)
		return LSP_EXIT_OTHER_FAILED;
	partial |= c.kernel_partial || c.user_partial;
	if (o.json)
		json = lsp_compare_json(&c, o.top);
	else
		lsp_compare_text(stdout, &c, o.top);
	lsp_compare_uninit(&c);
	good = lsp_reading_finish(json);
	return !good ? LSP_EXIT_OTHER_FAILED : partial ? LSP_EXIT_OTHER_PARTIAL : 0;
}
