// SPDX-License-Identifier: GPL-2.0-only
#include "record_options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "../capture/userfile.h"
#include "parse.h"
#include "reading.h"

enum {
	OPTION_CGROUP = 256, OPTION_BLOCK_RATE, OPTION_MUTEX_FRACTION, OPTION_MIN_DELAY,
	OPTION_STACK, OPTION_RING_BYTES, OPTION_SPANS, OPTION_ALL_FRAMES, OPTION_DEBUGINFOD,
	OPTION_KEEP_STREAM, OPTION_REPLAY, OPTION_CPU, OPTION_WITH_USER, OPTION_SKIP, OPTION_NO_WHY,
};

/* What both recorders take. Times have the unit that the heading above them in --help names. */
static const struct argp_option kept_options[] = {
	{ NULL, 0, NULL, 0, "How much to keep (TIME is in ns or has a unit: ns, us, ms, s, m, h):", 2 },
	{ "block-rate", OPTION_BLOCK_RATE, "TIME", 0,
	  "Keep each wait of TIME or longer, and a shorter one with probability length / TIME; "
	  "1 keeps all (default), 0 none", 2 },
	{ "mutex-fraction", OPTION_MUTEX_FRACTION, "N", 0,
	  "Keep each release with probability 1 / N; 1 keeps all (default), 0 none", 2 },
	{ "all-frames", OPTION_ALL_FRAMES, NULL, 0, "Keep the inner frames of the C library", 2 },
	{ "skip", OPTION_SKIP, "REGEX", 0, LSP_SKIP_NAME_HELP, 2 },
	{ 0 }
};

static const struct argp_option what_options[] = {
	{ NULL, 0, NULL, 0, "What to record (a command after -- is recorded with its threads and children):", 1 },
	{ "pid", 'p', "PID", 0, "This process, until it ends; may be repeated", 1 },
	{ "cgroup", OPTION_CGROUP, "PATH", 0, "The processes of this control group (version 2)", 1 },
	{ "all", 'a', NULL, 0, "Every process", 1 },
	{ "min-delay", OPTION_MIN_DELAY, "TIME", 0, "Leave out shorter waits", 2 },
	{ "stack", OPTION_STACK, "KIND", 0,
	  "auto (default), raw, fp (by frame pointers: loses the lock's caller) or none", 2 },
	{ "ring-bytes", OPTION_RING_BYTES, "SIZE", 0,
	  "Size of the module's buffer for each CPU, a power of two; a larger one survives longer bursts", 2 },
	{ "debuginfod", OPTION_DEBUGINFOD, NULL, 0,
	  "Fetch missing debug information from $DEBUGINFOD_URLS", 2 },
	{ 0 }
};

static const struct argp_option files_options[] = {
	{ NULL, 0, NULL, 0, "What to write:", 3 },
	{ "output", 'o', "DIR", 0, "Folder for the files (default lockspan-out)", 3 },
	{ "spans", OPTION_SPANS, NULL, 0, "Write single events too, to spans.lspan", 3 },
	{ 0 }
};

static const struct argp_option options[] = {
	{ "duration", 'd', "TIME", 0, "Stop after this time: in seconds, or with a unit (5m, 1h)", 1 },
	{ "no-why", OPTION_NO_WHY, NULL, 0,
	  "Leave out what the holders of locks did, which costs some time at each switch of a thread. Where rates sample "
	  "it is left out anyway", 3 },
	{ "cpu", OPTION_CPU, NULL, 0, "Write a CPU profile too, to cpu.pb.gz", 3 },
	{ "with-user", OPTION_WITH_USER, "SOURCE", OPTION_ARG_OPTIONAL,
	  "Record from within the program too, to DIR/user, for lockspan compare. For a Go program, "
	  "which profiles itself, SOURCE is the file, the folder or the address of its profiles", 3 },
	/* For tests and measurements of the collector. */
	{ "keep-stream", OPTION_KEEP_STREAM, "FILE", OPTION_HIDDEN, NULL, 3 },
	{ "replay", OPTION_REPLAY, "FILE", OPTION_HIDDEN, NULL, 3 },
	{ 0 }
};

static void stack_parse(struct lsp_record_options *o, const char *text, struct argp_state *state)
{
	o->stack_auto = !strcmp(text, "auto");
	/* For tests: not in the help. */
	o->stack_both = !strcmp(text, "both");
	if (o->stack_auto || o->stack_both)
		o->stack_mode = LOCKSPAN_STACK_SPARSE;
	else if (!strcmp(text, "raw"))
		o->stack_mode = LOCKSPAN_STACK_RAW;
	else if (!strcmp(text, "fp"))
		o->stack_mode = LOCKSPAN_STACK_FP;
	else if (!strcmp(text, "none"))
		o->stack_mode = LOCKSPAN_STACK_NONE;
	else
		argp_error(state, "'%s' is no kind of stack: auto, raw, fp or none", text);
}

static void pid_parse(struct lsp_record_options *o, const char *text, struct argp_state *state)
{
	uint32_t pid = (uint32_t)lsp_parse_number(text, INT32_MAX, state);

	if (!pid)
		argp_error(state, "there is no process 0");
	if (o->npids == LSP_RECORD_PIDS)
		argp_error(state, "more than %d processes; use --cgroup", LSP_RECORD_PIDS);
	o->pids[o->npids++] = pid;
}

static void consistency_check(const struct lsp_record_options *o, struct argp_state *state)
{
	if (!o->command && !o->npids && !o->cgroup && !o->all && !o->replay)
		argp_error(state, "nothing to record: give a command, -p, --cgroup or -a");
	if (o->with_user && !o->command)
		argp_error(state, "--with-user needs a command: the recorder is loaded with it");
	if (o->all && (o->npids || o->cgroup))
		argp_error(state, "-a records every process already");
}

static error_t kept_parse(int key, char *arg, struct argp_state *state)
{
	struct lsp_record_options *o = state->input;

	switch (key) {
	case OPTION_BLOCK_RATE:
		o->rates.block_rate_ns = lsp_parse_time(arg, LSP_UNIT_NS, state);
		break;
	case OPTION_MUTEX_FRACTION:
		o->rates.mutex_fraction = (uint32_t)lsp_parse_number(arg, UINT32_MAX, state);
		break;
	case OPTION_ALL_FRAMES:
		o->all_frames = true;
		break;
	case OPTION_SKIP:
		lsp_skip_parse(arg, state);
		break;
	case ARGP_KEY_ARG:
		/* The command, and all that follows it, are not our options. */
		o->command = &state->argv[state->next - 1];
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!o->rates.block_rate_ns && !o->rates.mutex_fraction)
			argp_error(state, "both rates are 0: nothing would be kept");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp lsp_record_kept_argp = { .options = kept_options, .parser = kept_parse };

static error_t what_parse(int key, char *arg, struct argp_state *state)
{
	struct lsp_record_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		break;
	case 'a':
		o->all = true;
		break;
	case 'p':
		pid_parse(o, arg, state);
		break;
	case OPTION_CGROUP:
		o->cgroup = arg;
		break;
	case OPTION_MIN_DELAY:
		o->rates.min_delay_ns = lsp_parse_time(arg, LSP_UNIT_NS, state);
		break;
	case OPTION_STACK:
		stack_parse(o, arg, state);
		break;
	case OPTION_RING_BYTES:
		o->ring_bytes = (uint32_t)lsp_parse_size(arg, 1U << 30, state);
		break;
	case OPTION_DEBUGINFOD:
		o->debuginfod = true;
		break;
	case ARGP_KEY_END:
		consistency_check(o, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_child what_children[] = { { &lsp_record_kept_argp, 0, NULL, 0 }, { 0 } };
const struct argp lsp_record_what_argp = { .options = what_options, .parser = what_parse, .children = what_children };

static error_t files_parse(int key, char *arg, struct argp_state *state)
{
	struct lsp_record_options *o = state->input;

	switch (key) {
	case 'o':
		o->directory = arg;
		return 0;
	case OPTION_SPANS:
		o->spans = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp lsp_record_files_argp = { .options = files_options, .parser = files_parse };

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct lsp_record_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		state->child_inputs[1] = o;
		break;
	case 'd':
		o->duration_ns = lsp_parse_time(arg, LSP_UNIT_S, state);
		if (!o->duration_ns)
			argp_error(state, "a recording cannot last no time");
		break;
	case OPTION_CPU:
		o->cpu = true;
		break;
	case OPTION_NO_WHY:
		o->no_why = true;
		break;
	case OPTION_WITH_USER:
		o->user_source = arg;
		o->with_user = !arg;
		o->spans |= !arg;
		break;
	case OPTION_KEEP_STREAM:
		o->keep_stream = arg;
		break;
	case OPTION_REPLAY:
		o->replay = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void lsp_record_options_init(struct lsp_record_options *o)
{
	*o = (struct lsp_record_options){
		.rates = { .block_rate_ns = 1, .mutex_fraction = 1 }, .user_stack_bytes = LSP_USERFILE_STACK_BYTES, .directory = "lockspan-out",
		.stack_mode = LOCKSPAN_STACK_SPARSE, .stack_auto = true,
	};
}

void lsp_record_options_parse(struct lsp_record_options *o, int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &lsp_record_what_argp, 0, NULL, 0 }, { &lsp_record_files_argp, 0, NULL, 0 }, { 0 }
	};
	static const struct argp argp = {
		.options = options, .parser = option_parse, .children = children, .args_doc = "[-- COMMAND [ARGUMENT]...]",
		.doc = "Records who waits for which lock, and who is to blame, as the kernel's futexes show it."
		       "\vWrites block.pb.gz (by the waiter's stack) and mutex.pb.gz (by the releaser's) "
		       "as Go does, contention.ext.pb.gz with more sample types, and record.json. Read the "
		       "profiles with go tool pprof. Ctrl-C ends the recording and writes it.\n\n"
		       "The exit status is the command's own (128 + n for signal n), or 125 when the "
		       "recording failed or is partial, 126 when the command could not be run, 127 when "
		       "it was not found, 64 for a usage error.",
	};

	lsp_record_options_init(o);
	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o);
}
