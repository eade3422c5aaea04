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
#include "../report/roots/deadlocks.h"
#include "../report/roots/roots.h"
#include "../report/sections/sections.h"
#include "../report/sections/thread_time.h"
#include "../report/shape_words.h"
#include "../report/text.h"
#include "cmd.h"
#include "load.h"
#include "reading.h"
#include "report_pairs.h"
#include "say.h"

struct report_options {
	struct lsp_reading reading;
	enum lsp_sort sort;
	const char *lock;	/* of which alone rows are shown; NULL: of all */
	bool wide;
	bool why;
	const char *html;	/* file for a page, "-" for standard output, or NULL */
	char **paths;
	size_t npaths;
};

enum { OPTION_SORT = 0x200, OPTION_LOCK, OPTION_WIDE, OPTION_WHY };

static const struct argp_option options[] = {
	LSP_READING_OPTIONS("; or each root: who is to blame when each holder has handed on what it waited for others; "
			    "or each pair of a site that waits and one whose releases end the waits, of a recording made "
			    "with --spans"),
	{ "sort", OPTION_SORT, "KEY", 0, "Sort rows by waited, waits, late, blamed, releases, handoff, given-up, open or name; "
	  "the default, both, is waited and blamed together", 0 },
	{ "lock", OPTION_LOCK, "NAME", 0, "Show only what was waited for the lock of this name", 0 },
	{ "wide", OPTION_WIDE, NULL, 0, "Show whole names and all columns, however long the lines are", 0 },
	{ "why", OPTION_WHY, NULL, 0, "Say under each row why its holds were long", 0 },
	{ "html", 'H', "FILE", 0, "Write a page for the browser; - is standard output", 0 },
	{ 0 }
};

static enum lsp_sort sort_parse(const char *arg, struct argp_state *state)
{
	for (int i = 0; i < LSP_SORT_COUNT; i++)
		if (!strcmp(arg, lsp_sort_names[i]))
			return (enum lsp_sort)i;
	argp_error(state, "--sort takes both, waited, waits, late, blamed, releases, handoff, given-up, open or name, not '%s'",
		   arg);
	return LSP_SORT_BOTH;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct report_options *o = state->input;

	switch (key) {
	case 'H':
		o->html = arg;
		return 0;
	case OPTION_SORT:
		o->sort = sort_parse(arg, state);
		return 0;
	case OPTION_LOCK:
		o->lock = arg;
		return 0;
	case OPTION_WIDE:
		o->wide = true;
		return 0;
	case OPTION_WHY:
		o->why = true;
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
		if (o->html && (o->reading.pairs || o->reading.roots))
			argp_error(state, "--html and --by %s: one of them", o->reading.pairs ? "pair" : "root");
		if (o->reading.roots && o->sort)
			argp_error(state, "--sort is not for --by root: the largest root is first");
		if (o->reading.pairs && o->sort > LSP_SORT_WAITS && o->sort != LSP_SORT_NAME)
			argp_error(state, "--by pair is sorted by waited, waits or name, not by %s", lsp_sort_names[o->sort]);
		if (o->html && (o->lock || o->sort))
			argp_error(state, "--%s is not for pages: they are searched and sorted in the browser",
				   o->lock ? "lock" : "sort");
		break;
	}
	return lsp_reading_parse(&o->reading, key, arg, state);
}

static struct lsp_report_look look_of(const struct report_options *o)
{
	return (struct lsp_report_look){
		.top = o->reading.top, .why = o->why,
		.layout = { .columns = lsp_reading_columns(), .wide = o->wide },
	};
}

/* Rows of a section, where nobody says how many; there are more with --by lock. */
#define SECTION_ROWS 10

static void text_write(const struct report_options *o, const struct lsp_recording *r, const struct lsp_table *all,
		       const struct lsp_table *rows, const struct lsp_sections *sections,
		       const struct lsp_shapes *shapes, const struct lsp_root_rows *roots)
{
	const struct lsp_report_look look = look_of(o);
	struct lsp_report_look section = look;

	if (section.top > SECTION_ROWS && section.top != SIZE_MAX)
		section.top = SECTION_ROWS;
	if (!r->only)
		lsp_sections_headline(stdout, sections, &look.layout);
	lsp_report_text_facts(stdout, r, all);
	lsp_thread_time_text(stdout, r, sections);
	lsp_deadlock_rows_text(stdout, r);
	if (o->reading.roots) {
		lsp_root_rows_text(stdout, roots, &look);
		return;
	}
	if (!o->reading.by_given)
		lsp_sections_text(stdout, sections, &section);
	lsp_report_text_rows(stdout, r, rows, &look);
	if (o->reading.by == LSP_BY_SITE)
		lsp_root_rows_line(stdout, roots, rows);
	lsp_shapes_text(stdout, shapes, &look.layout);
}

static struct json_object *json_new(const struct report_options *o, const struct lsp_recording *r,
				    const struct lsp_table *rows, const struct lsp_sections *sections,
				    const struct lsp_shapes *shapes, const struct lsp_root_rows *roots)
{
	struct json_object *json = lsp_report_json(r, rows, o->reading.top);
	const struct lsp_table_row *top = lsp_sections_top(sections);

	if (o->reading.roots) {
		json_object_object_add(json, "by", json_object_new_string("root"));
		json_object_object_add(json, "rows", lsp_root_rows_json(roots, o->reading.top));
		json_object_object_add(json, "rows_left_out", lsp_report_json_number(
				       roots->n > o->reading.top ? (double)(roots->n - o->reading.top) : 0));
	}
	json_object_object_add(json, "roots", lsp_root_rows_json(roots, SIZE_MAX));
	json_object_object_add(json, "deadlocks", lsp_deadlock_rows_json(r));
	if (roots->missing)
		json_object_object_add(json, "roots_missing", json_object_new_string(roots->missing));
	json_object_object_add(json, "top_lock", top && !r->only ? json_object_new_string(top->name) : NULL);
	json_object_object_add(json, "shapes", lsp_shapes_json(shapes));
	json_object_object_add(json, "thread_time", lsp_thread_time_json(r, sections));
	return json;
}

/* Totals are of all locks, rows of those that were asked for. */
static bool report_write(const struct report_options *o, const struct lsp_recording *r)
{
	struct lsp_recording whole = *r;
	struct json_object *json = NULL;
	struct lsp_sections sections = { 0 };
	struct lsp_shapes shapes = { 0 };
	struct lsp_root_rows roots = { 0 };
	struct lsp_table all = { 0 }, rows = { 0 };
	int err;

	whole.only = NULL;
	err = lsp_table_create(&whole, o->reading.by, false, &all);
	if (!err)
		err = lsp_table_create(r, o->reading.by, false, &rows);
	if (!err)
		err = lsp_sections_create(r, &sections);
	if (!err)
		err = lsp_root_rows_create(r, &roots);
	if (!err)
		err = lsp_shapes_create(r, &shapes);
	if (!err) {
		lsp_table_sort(&rows, o->sort);
		if (o->reading.json)
			json = json_new(o, r, &rows, &sections, &shapes, &roots);
		else
			text_write(o, r, &all, &rows, &sections, &shapes, &roots);
		lsp_shapes_destroy(&shapes);
	}
	lsp_root_rows_destroy(&roots);
	if (sections.locks.places)
		lsp_sections_destroy(&sections);
	if (rows.places)
		lsp_table_destroy(&rows);
	if (all.places)
		lsp_table_destroy(&all);
	if (err) {
		lsp_say("%s", lsp_say_errno(ENOMEM));
		return false;
	}
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
	struct report_options o = { .reading = LSP_READING_DEFAULT, .reading.has_pairs = true };
	struct lsp_recording r = { 0 };
	bool partial = false;
	size_t loaded;
	int status = 0;

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.reading.pairs)
		return lsp_report_pairs(&(struct lsp_report_pairs){
			.paths = o.paths, .npaths = o.npaths, .sort = o.sort, .lock = o.lock, .json = o.reading.json,
			.look = look_of(&o) });
	loaded = lsp_load_all(&r, o.paths, o.npaths, &partial);
	r.only = o.lock;
	if (loaded && o.lock && !lsp_recording_has_any(&r)) {
		lsp_say("--lock %s: nothing was waited for such a lock; --by lock shows the names", o.lock);
		lsp_recording_uninit(&r);
		return LSP_EXIT_USAGE;
	}
	if (!loaded || !(o.html ? page_write(o.html, &r) : report_write(&o, &r)))
		status = LSP_EXIT_OTHER_FAILED;
	else if (partial)
		status = LSP_EXIT_OTHER_PARTIAL;
	lsp_recording_uninit(&r);
	return status;
}
