// SPDX-License-Identifier: GPL-2.0-only
#include "top_options.h"

#include <argp.h>
#include <string.h>

#include "cmd.h"
#include "parse.h"

#define DIRECTORY "lockspan-top"
/* A sum and its place in a profile take about 1 KiB while one is built. */
#define ROWS_MAX 100000
#define INTERVAL_MIN_NS 100000000ULL

enum { OPTION_COMMAND_OUTPUT = 768, OPTION_ROWS_MAX };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to show:", 3 },
	{ "interval", 'i', "TIME", 0, "Look this often: in seconds, or with a unit (default 1s, at least 100ms)", 3 },
	{ "count", 'n', "N", 0, "End after so many looks", 3 },
	{ "sort", 's', "KEY", 0, "Sort by waiting (default), waits, waited, blamed or name", 3 },
	{ "batch", 'b', NULL, 0, "Write a block of text each time, as into a pipe, even if there is a terminal", 3 },
	{ "output", 'o', "DIR", 0, "Folder for the recording that the key w writes (default " DIRECTORY ")", 3 },
	{ "command-output", OPTION_COMMAND_OUTPUT, "FILE", 0,
	  "Write there what the command prints, which is otherwise thrown away", 3 },
	/* For tests. */
	{ "rows-max", OPTION_ROWS_MAX, "N", OPTION_HIDDEN, NULL, 3 },
	{ 0 }
};

static enum lsp_top_sort sort_parse(const char *arg, struct argp_state *state)
{
	for (int i = 0; i < LSP_TOP_SORT_COUNT; i++)
		if (!strcmp(arg, lsp_top_sort_names[i]))
			return (enum lsp_top_sort)i;
	argp_error(state, "--sort takes waiting, waits, waited, blamed or name, not '%s'", arg);
	return LSP_TOP_WAITING;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct lsp_top_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->what;
		break;
	case 'i':
		o->interval_ns = lsp_parse_time(arg, LSP_UNIT_S, state);
		if (o->interval_ns < INTERVAL_MIN_NS)
			argp_error(state, "--interval %s is too short: at least 100ms", arg);
		break;
	case 'n':
		o->count = lsp_parse_number(arg, UINT32_MAX, state);
		if (!o->count)
			argp_error(state, "--count 0 would show nothing");
		break;
	case 's':
		o->sort = sort_parse(arg, state);
		break;
	case 'b':
		o->batch = true;
		break;
	case 'o':
		o->what.directory = arg;
		break;
	case OPTION_COMMAND_OUTPUT:
		o->command_output = arg;
		break;
	case OPTION_ROWS_MAX:
		o->rows_max = lsp_parse_number(arg, UINT32_MAX, state);
		break;
	case ARGP_KEY_END:
		if (o->command_output && !o->what.command)
			argp_error(state, "--command-output is for a command");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void lsp_top_options_parse(struct lsp_top_options *o, int argc, char **argv)
{
	static const struct argp_child children[] = { { &lsp_record_what_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.options = options, .parser = option_parse, .children = children,
		.args_doc = "[-- COMMAND [ARGUMENT]...]",
		.doc = "Shows, while a program runs, which locks its threads wait for, and who holds them."
		       "\vOn a terminal the table is renewed in place, and keys choose a lock, sort, freeze, and write "
		       "the recording so far. Into a pipe a block of text is written each second. Only waits that have "
		       "ended are shown.\n\n"
		       "The exit status is 0, 1 when records were lost, 2 when lockspan failed, 64 for a "
		       "usage error.",
	};

	*o = (struct lsp_top_options){ .interval_ns = 1000000000, .rows_max = ROWS_MAX };
	lsp_record_options_init(&o->what);
	o->what.directory = DIRECTORY;
	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o);
}
