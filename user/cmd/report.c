// SPDX-License-Identifier: GPL-2.0-only
/* lockspan report: who waited and who is to blame, as text, JSON or a page. */
#include <argp.h>
#include <json-c/json.h>
#include <stdio.h>

#include "../report/json.h"
#include "../report/shape_words.h"
#include "../report/text.h"
#include "cmd.h"
#include "load.h"
#include "reading.h"
#include "say.h"

struct report_options {
	struct lsp_reading reading;
	char **paths;
	size_t npaths;
};

static const struct argp_option options[] = {
	LSP_READING_OPTIONS,
	{ 0 }
};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct report_options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARGS:
		o->paths = state->argv + state->next;
		o->npaths = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which recording? give its folder or a profile");
		return 0;
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
		lsp_say("no memory");
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

int lsp_cmd_report(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse, .args_doc = "DIR|FILE...",
		.doc = "Shows who waited for locks and who made them wait. Several recordings are "
		       "added up."
		       "\vThe exit status is 0, 1 when the recording is partial or not all of it could be "
		       "read, 2 when nothing could, 64 for a usage error.",
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
	if (!loaded || !report_write(&o, &r))
		status = LSP_EXIT_OTHER_FAILED;
	else if (partial)
		status = LSP_EXIT_OTHER_PARTIAL;
	lsp_recording_uninit(&r);
	return status;
}
