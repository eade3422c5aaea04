// SPDX-License-Identifier: GPL-2.0-only
/* lockspan graph: who waits for whom, as text, JSON or for graphviz. */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../report/graph/graph.h"
#include "../report/roots/deadlocks.h"
#include "../report/roots/roots.h"
#include "cmd.h"
#include "load.h"
#include "parse.h"
#include "reading.h"
#include "say.h"

struct graph_options {
	size_t top;
	bool threads;
	bool json;
	bool dot;
	char **paths;
	size_t npaths;
};

static const struct argp_option options[] = {
	{ "by", 'b', "WHAT", 0, "Show who waits and who is blamed by site (the calling function; the default) or by thread (name)", 0 },
	{ "top", 'n', "N", 0, "Show N edges of each kind (default 20); 0 shows all", 0 },
	{ "skip", 's', "REGEX", 0, LSP_SKIP_HELP, 0 },
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
	{ "dot", 'd', NULL, 0, "Print a graph for graphviz", 0 },
	{ 0 }
};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct graph_options *o = state->input;

	switch (key) {
	case 'b':
		o->threads = !strcmp(arg, "thread");
		if (!o->threads && strcmp(arg, "site"))
			argp_error(state, "--by takes site or thread, not '%s'", arg);
		return 0;
	case 'n':
		o->top = lsp_parse_rows(arg, state);
		return 0;
	case 's':
		lsp_skip_parse(arg, state);
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'd':
		o->dot = true;
		return 0;
	case ARGP_KEY_ARGS:
		o->paths = state->argv + state->next;
		o->npaths = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which recording? give its folder or a profile");
		return 0;
	case ARGP_KEY_END:
		if (o->json && o->dot)
			argp_error(state, "--dot and --json: one of them");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static bool graph_write(const struct graph_options *o, const struct lsp_recording *r)
{
	struct lsp_root_rows roots = { 0 };
	struct json_object *json = NULL;
	struct lsp_graph g;
	int err = lsp_graph_create(r, o->threads, &g);

	if (!err) {
		err = lsp_root_rows_create(r, &roots);
		if (err)
			lsp_graph_destroy(&g);
	}
	if (err) {
		lsp_say("%s", lsp_say_errno(ENOMEM));
		return false;
	}
	if (o->json) {
		json = lsp_graph_json(&g, o->top);
		json_object_object_add(json, "roots", lsp_root_rows_json(&roots, SIZE_MAX));
		json_object_object_add(json, "deadlocks", lsp_deadlock_rows_json(r));
	} else if (o->dot) {
		lsp_graph_dot(stdout, &g, o->top);
	} else {
		lsp_graph_text(stdout, &g, o->top);
		lsp_deadlock_rows_text(stdout, r);
		if (!roots.missing)
			lsp_root_rows_text(stdout, &roots, &(struct lsp_report_look){ .top = o->top });
	}
	lsp_root_rows_destroy(&roots);
	lsp_graph_destroy(&g);
	return lsp_reading_finish(json);
}

int lsp_cmd_graph(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse, .args_doc = "DIR|FILE...",
		.doc = "Shows who waits for which lock, and who had it meanwhile. Several recordings are added up."
		       "\vThe exit status is 0, 1 when the recording is partial or not all of it could be "
		       "read, 2 when nothing could be read, 64 for a usage error.",
	};
	struct graph_options o = { .top = 20 };
	struct lsp_recording r = { 0 };
	bool partial = false;
	size_t loaded;
	int status = 0;

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	loaded = lsp_load_all(&r, o.paths, o.npaths, &partial);
	if (!loaded || !graph_write(&o, &r))
		status = LSP_EXIT_OTHER_FAILED;
	else if (partial)
		status = LSP_EXIT_OTHER_PARTIAL;
	lsp_recording_uninit(&r);
	return status;
}
