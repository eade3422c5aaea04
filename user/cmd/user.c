// SPDX-License-Identifier: GPL-2.0-only
/* lockspan user: the userspace recorder alone, around a command. */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../capture/userfile.h"
#include "child.h"
#include "cmd.h"
#include "folder.h"
#include "parse.h"
#include "record_files.h"
#include "say.h"
#include "userside.h"

enum { OPTION_STACK_BYTES = 512 };

static const struct argp_option options[] = {
	{ "stack-bytes", OPTION_STACK_BYTES, "BYTES", 0,
	  "Copy this much of each stack, from 8192 (default) to 196608", 2 },
	{ 0 }
};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct lsp_record_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		state->child_inputs[1] = o;
		break;
	case OPTION_STACK_BYTES:
		o->user_stack_bytes = (uint32_t)lsp_parse_size(arg, LSP_USERFILE_STACK_MAX_BYTES, state) & ~7U;
		if (o->user_stack_bytes < LSP_USERFILE_STACK_BYTES)
			argp_error(state, "'%s' is less than %u bytes of stack", arg, LSP_USERFILE_STACK_BYTES);
		break;
	case ARGP_KEY_END:
		if (!o->command)
			argp_error(state, "which command? give it behind --");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/*
 * Waits for the end of the command, or for the second signal that should end us. Signals from the
 * terminal do not count before the first one, because an interactive program uses them itself.
 */
static void command_await(struct lsp_child *child, int signals)
{
	bool signalled = false;

	while (!signalled && !lsp_child_poll(child, false)) {
		struct pollfd fds[2] = {
			{ .fd = child->pidfd, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		poll(fds, 2, -1);
		signalled = lsp_child_signals_take(child, signals, false);
	}
	lsp_child_await(child, signals, "goes on", signalled);
}

static int command_run(const struct lsp_record_options *o, const struct lsp_userside *u, int *status)
{
	struct lsp_child child;
	sigset_t mask;
	int signals = lsp_child_signals_open(&mask), err;

	if (signals < 0)
		return signals;
	err = lsp_child_create(&child, o->command, &mask);
	if (err)
		goto out;
	err = lsp_userfile_mark(u->file, (uint32_t)child.pid, o->command[0]);
	if (!err)
		err = lsp_child_release(&child);
	if (!err) {
		command_await(&child, signals);
		*status = child.ended ? lsp_child_exit_status(&child) : -1;
	}
	lsp_child_uninit(&child);
out:
	close(signals);
	return err;
}

static int recording_run(struct lsp_userside *u, struct lsp_folder *f, const struct lsp_record_options *o)
{
	int status = 0, err;
	bool good;

	if (!lsp_record_folder_begin(f, o) || !lsp_userside_begin(u, o, o->unfinished))
		return LSP_EXIT_FAILED;
	err = command_run(o, u, &status);
	if (err) {
		lsp_say("cannot run %s: %s", o->command[0], lsp_say_errno(-err));
		return err == -ENOENT ? LSP_EXIT_NOT_FOUND : LSP_EXIT_NOT_RUN;
	}
	good = lsp_userside_end(u, status);
	/* Nothing was recorded, so an older recording stays. */
	if (u->written && !u->loaded) {
		lsp_say("%s is as it was", o->directory);
		return LSP_EXIT_FAILED;
	}
	good &= lsp_record_folder_end(f, u->written);
	return good && status >= 0 ? status : LSP_EXIT_FAILED;
}

int lsp_cmd_user(int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &lsp_record_kept_argp, 0, NULL, 0 }, { &lsp_record_files_argp, 0, NULL, 0 }, { 0 }
	};
	static const struct argp argp = {
		.options = options, .parser = option_parse, .children = children, .args_doc = "-- COMMAND [ARGUMENT]...",
		.doc = "Records who waits for which lock, and who is to blame, from within the program: by "
		       "a preloaded library, without the kernel module and without privileges. Each wait "
		       "lasts from the call of a lock function to its return."
		       "\vWrites block.pb.gz, mutex.pb.gz, contention.ext.pb.gz and record.json as record "
		       "does. Statically linked programs and those that bring their own locks (Go, Rust) "
		       "are not seen. If a recorded process executes a program that does not load the recorder, "
		       "the recording is partial.\n\n"
		       "The exit status is the command's own (128 + n for signal n), or 125 when the "
		       "recording failed or is partial, 126 when the command could not be run, 127 when "
		       "it was not found, 64 for a usage error.",
	};
	struct lsp_record_options o;
	struct lsp_userside u = { .begun = false };
	struct lsp_folder folder = { .begun = false };
	int status;

	lsp_record_options_init(&o);
	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
	o.unfinished = folder.unfinished;
	status = recording_run(&u, &folder, &o);
	lsp_userside_uninit(&u);
	lsp_folder_uninit(&folder);
	return status;
}
