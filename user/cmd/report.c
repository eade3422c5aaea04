// SPDX-License-Identifier: GPL-2.0-only
/* lockspan report: who waited and who is to blame, as text, JSON or a page. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../report/json.h"
#include "../report/page.h"
#include "../report/shape_words.h"
#include "../report/text.h"
#include "cmd.h"
#include "load.h"
#include "reading.h"
#include "say.h"

struct report_options {
	struct lsp_reading reading;
	const char *html;	/* file for a page, "-" for standard output, or NULL */
	char **paths;
	size_t npaths;
};

static const struct argp_option options[] = {
	LSP_READING_OPTIONS,
	{ "html", 'H', "FILE", 0, "Write a page for the browser; - is standard output", 0 },
	{ 0 }
};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct report_options *o = state->input;

	switch (key) {
	case 'H':
		o->html = arg;
		return 0;
	case ARGP_KEY_ARGS:
		o->paths = state->argv + state->next;
		o->npaths = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which recording? give its folder or a profile");
		return 0;
	case ARGP_KEY_END:
		if (o->html && o->reading.json)
			argp_error(state, "--html and --json: one of them");
		break;
	}
	return lsp_reading_parse(&o->reading, key, arg, state);
}

static bool report_write(const struct report_options *o, const struct lsp_recording *r)
{
	struct json_object *json = NULL;
	struct lsp_shapes shapes;
	struct lsp_table t;
	int err = lsp_table_create(r, o->reading.by, false, &t);

	if (!err) {
		err = lsp_shapes_create(r, &shapes);
		if (err)
			lsp_table_destroy(&t);
	}
	if (err) {
		lsp_say("%s", lsp_say_errno(ENOMEM));
		return false;
	}
	if (o->reading.json) {
		json = lsp_report_json(r, &t, o->reading.top);
		json_object_object_add(json, "shapes", lsp_shapes_json(&shapes));
	} else {
		lsp_report_text(stdout, r, &t, o->reading.top);
		lsp_shapes_text(stdout, &shapes);
	}
	lsp_shapes_destroy(&shapes);
	lsp_table_destroy(&t);
	return lsp_reading_finish(json);
}

/*
 * The page is written by way of a temporary file, so that a full disk leaves no half of a page. The
 * names in it are not for everybody, so its mode is 0600.
 */
static bool page_write(const char *path, const struct lsp_recording *r)
{
	char temporary[PATH_MAX];
	bool special;
	struct stat st;
	int fd, err;
	FILE *to;

	if (!strcmp(path, "-")) {
		if (lsp_report_page(stdout, r))
			lsp_say("%s", lsp_say_errno(ENOMEM));
		return lsp_reading_finish(NULL);
	}
	/* A file renamed to the name of a device or a pipe would replace it. */
	special = !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
	if ((size_t)snprintf(temporary, sizeof(temporary), special ? "%s" : "%s.tmp", path) >=
	    sizeof(temporary)) {
		lsp_say("%s: %s", path, strerror(ENAMETOOLONG));
		return false;
	}
	fd = open(temporary, special ? O_WRONLY | O_CLOEXEC :
		  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to) {
		lsp_say("cannot write %s: %s", path, lsp_say_errno(errno));
		return false;
	}
	errno = 0;
	err = lsp_report_page(to, r);
	if (!err && (fflush(to) || ferror(to)))
		err = errno ? -errno : -EIO;
	if (fclose(to) && !err)
		err = -errno;
	if (!err && !special && rename(temporary, path))
		err = -errno;
	if (err) {
		lsp_say("cannot write %s: %s", path, lsp_say_errno(-err));
		if (!special)
			unlink(temporary);
	}
	return !err;
}

int lsp_cmd_report(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse, .args_doc = "DIR|FILE...",
		.doc = "Shows who waited for locks and who made them wait. Several recordings are "
		       "added up."
		       "\vThe exit status is 0, 1 when the recording is partial or not all of it could be "
		       "read, 2 when nothing could be read, 64 for a usage error.",
	};
	struct report_options o = { .reading = LSP_READING_DEFAULT };
	struct lsp_recording r = { 0 };
	bool partial = false;
	size_t loaded = 0;
	int status = 0;

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	for (size_t i = 0; i < o.npaths; i++)
		if (lsp_load(&r, o.paths[i], &partial))
			loaded++;
		else
			partial = true;
	if (!loaded || !(o.html ? page_write(o.html, &r) : report_write(&o, &r)))
		status = LSP_EXIT_OTHER_FAILED;
	else if (partial)
		status = LSP_EXIT_OTHER_PARTIAL;
	lsp_recording_uninit(&r);
	return status;
}
