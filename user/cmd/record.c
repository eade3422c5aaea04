// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockspan record: a session with the module from START to END around a
 * command or processes, and the files that come of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../capture/spanfile.h"
#include "../capture/streamfile.h"
#include "cmd.h"
#include "cpu.h"
#include "deadlocks.h"
#include "folder.h"
#include "leftover.h"
#include "progress.h"
#include "record_files.h"
#include "record_options.h"
#include "say.h"
#include "recorder.h"
#include "source.h"
#include "userside.h"

#define TICK_NS 1000000000ULL
/* How many messages are taken before signals and processes are looked at again. */
#define READ_MAX 256
#define DRAIN_SILENCE_MS 10000
#define LEFTOVER_MAX 4

struct recording {
	const struct lsp_record_options *options;
	struct lsp_recorder recorder;
	struct lsp_spanfile_writer *spans;
	struct lsp_cpu *cpu;		/* NULL: not asked for */
	struct lsp_userside user;	/* with --with-user */
	struct lsp_folder folder;
	uint64_t stop_ns;
	struct lsp_deadlocks deadlocks;
	struct lsp_progress progress;
	uint64_t cpu_lost;		/* samples */
	unsigned long long begun;	/* for leftover.h */
	bool written;			/* all files so far were written */
	bool failed;			/* failed, and said why on standard error */
};

/* ---- before START ---- */

static int spans_begin(struct recording *r, char *path)
{
	const struct lsp_record_options *o = r->options;
	struct utsname host = { .release = "" };
	int err;

	snprintf(path, PATH_MAX, "%s/spans.lspan", r->options->unfinished);
	err = lsp_spanfile_create(path, &r->spans);
	if (err)
		return err;
	uname(&host);
	return lsp_spanfile_add_header(r->spans, &(struct lsp_spanfile_header){
		.release = LSP_RELEASE, .contract = LOCKSPAN_VERSION, .kernel = host.release,
		.command = (const char *const *)o->command,
		.wall_ns = (int64_t)lsp_clock_ns(CLOCK_REALTIME), .start_ns = lsp_clock_ns(CLOCK_MONOTONIC),
		.rates = o->rates });
}

static bool prepare(struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	struct lsp_collector_options collector = { .late_names = o->with_user };
	char path[PATH_MAX];
	int err;

	if (!lsp_record_folder_begin(&r->folder, o) || !lsp_recorder_prepare(&r->recorder))
		return false;
	r->recorder.request.both = o->stack_both;
	/* Of what sampling left out nobody could say it, and sampling is for those whom it would cost too much. */
	r->recorder.request.why = !o->no_why && o->rates.block_rate_ns == 1 && o->rates.mutex_fraction == 1;
	collector.roots = r->recorder.request.why && !o->rates.min_delay_ns;
	if (o->spans) {
		err = spans_begin(r, path);
		if (err) {
			lsp_say("cannot write %s: %s", path, lsp_say_errno(-err));
			return false;
		}
		collector.spans = r->spans;
	}
	if (!lsp_recorder_collector_begin(&r->recorder, &collector))
		return false;
	if (o->keep_stream && lsp_streamfile_create(o->keep_stream, &r->recorder.stream)) {
		lsp_say("cannot write %s: %s", o->keep_stream, lsp_say_errno(errno));
		return false;
	}
	return true;
}

/* ---- between START and STOP ---- */

static void deadlocks_look(struct recording *r, bool now)
{
	if (!r->recorder.foreign_pids)
		lsp_deadlocks_look(&r->deadlocks, r->options, r->options->command ? r->recorder.child.pid : 0,
				   r->recorder.collector, now);
}

static void tick(struct recording *r)
{
	lsp_recorder_tick(&r->recorder);
	lsp_record_cpu_tick(r->cpu);
	deadlocks_look(r, false);
	if (r->spans)
		lsp_spanfile_flush(r->spans);
	lsp_progress_show(&r->progress, &r->recorder);
}

static void session_follow(struct recording *r)
{
	uint64_t end_ns = r->options->duration_ns ? r->recorder.start_ns + r->options->duration_ns : UINT64_MAX;
	uint64_t tick_ns = r->recorder.start_ns + TICK_NS;
	struct pollfd fds[LSP_RECORDER_FDS];
	int n;

	while (!r->recorder.interrupted && !lsp_client_end(r->recorder.client)) {
		uint64_t now = lsp_clock_ns(CLOCK_MONOTONIC);

		if (now >= end_ns || lsp_recorder_gone(&r->recorder))
			return;
		if (now >= tick_ns) {
			tick(r);
			tick_ns = lsp_clock_ns(CLOCK_MONOTONIC) + TICK_NS;
		}
		n = lsp_client_read(r->recorder.client, READ_MAX);
		if (n < 0) {
			lsp_say("reading from the module: %s", lsp_say_errno(-n));
			r->failed = true;
			return;
		}
		lsp_recorder_deepen(&r->recorder);
		if (n < READ_MAX)
			poll(fds, lsp_recorder_fds(&r->recorder, fds),
			     lsp_clock_ms_until(end_ns < tick_ns ? end_ns : tick_ns));
		lsp_recorder_signals_read(&r->recorder);
	}
	if (!r->recorder.interrupted) {
		lsp_say("the module ended the recording by itself; see dmesg");
		r->failed = true;
	}
}

/*
 * Takes what a program that runs already has counted before. A program that we start has counted
 * nothing yet.
 */
static bool source_begin(const struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	char before[PATH_MAX + 16];
	int err;

	if (!o->user_source || !lsp_source_is_url(o->user_source) || o->command)
		return true;
	snprintf(before, sizeof(before), "%s/user/before", r->options->unfinished);
	err = lsp_folder_make(before);
	if (err)
		lsp_say("cannot write to %s: %s", before, lsp_say_errno(-err));
	return !err && lsp_source_take(o->user_source, before, NULL);
}

/*
 * An address is asked as soon as the recording ends. A file is read when the command has written
 * it.
 */
static bool source_end(const struct recording *r, bool ended)
{
	const struct lsp_record_options *o = r->options;
	bool url = o->user_source && lsp_source_is_url(o->user_source), good;
	char user[PATH_MAX + 8], before[PATH_MAX + 16];
	int err;

	if (!o->user_source || url == ended)
		return true;
	snprintf(user, sizeof(user), "%s/user", r->options->unfinished);
	snprintf(before, sizeof(before), "%s/before", user);
	err = lsp_folder_make(user);
	if (err) {
		lsp_say("cannot write to %s: %s", user, lsp_say_errno(-err));
		return false;
	}
	good = lsp_source_take(o->user_source, user, url && !o->command ? before : NULL);
	lsp_folder_clear(before);
	rmdir(before);
	return good;
}

static void session_stop(struct recording *r)
{
	int err = 0;

	deadlocks_look(r, true);
	r->stop_ns = lsp_clock_ns(CLOCK_MONOTONIC);
	if (!lsp_client_end(r->recorder.client))
		err = lsp_client_stop(r->recorder.client);
	if (!source_end(r, false))
		r->failed = true;
	if (!err)
		err = lsp_client_drain(r->recorder.client, DRAIN_SILENCE_MS);
	lsp_recorder_signal_pass_on(&r->recorder);
	lsp_progress_text(&r->progress, "resolving stacks");
	if (r->cpu && !lsp_record_cpu_write(r->options, r->cpu, r->recorder.wall_ns,
					       r->stop_ns - r->recorder.start_ns, &r->cpu_lost))
		r->written = false;
	if (err) {
		lsp_say_client(r->recorder.client, "end the recording", err);
		r->failed = true;
	}
	if (lsp_client_end(r->recorder.client) && lsp_client_end(r->recorder.client)->stop_ns)
		r->stop_ns = lsp_client_end(r->recorder.client)->stop_ns;
	if (r->recorder.stream && lsp_client_end(r->recorder.client))
		lsp_streamfile_add_end(r->recorder.stream, lsp_client_end(r->recorder.client));
	if (r->options->with_user && !lsp_userside_births(&r->user, r->recorder.collector))
		r->failed = true;
	err = lsp_collector_finish(r->recorder.collector);
	if (err) {
		lsp_say("resolving stacks: %s", lsp_say_errno(-err));
		r->failed = true;
	}
}

/* ---- after END ---- */

static bool spans_end(struct recording *r, const struct lsp_client_report *end)
{
	struct lsp_spanfile_counter counters[LOCKSPAN_C_COUNT];
	int err;

	if (!r->spans)
		return true;
	for (unsigned int i = 0; end && i < LOCKSPAN_C_COUNT; i++)
		counters[i] = (struct lsp_spanfile_counter){
			.name = lsp_counter_name(i), .value = end->counters[i],
		};
	if (end)
		lsp_spanfile_add_end(r->spans, &(struct lsp_spanfile_end){
			.stop_ns = r->stop_ns, .counters = counters, .ncounters = LOCKSPAN_C_COUNT });
	err = lsp_spanfile_close(r->spans);
	r->spans = NULL;
	if (err)
		lsp_say("cannot write %s/spans.lspan: %s", r->options->unfinished, lsp_say_errno(-err));
	return !err;
}

/*
 * Whether more is to be written when the command has ended, which may be long after the recording.
 */
static bool more_to_come(const struct lsp_record_options *o)
{
	return o->command && (o->with_user || (o->user_source && !lsp_source_is_url(o->user_source)));
}

/* Waits for a command that goes on after its recording. A second signal ends this wait. */
static void child_await(struct recording *r)
{
	const char *recording = more_to_come(r->options) ? "has ended" : "is written";

	if (!r->recorder.child.ended && r->progress.shown && !r->recorder.interrupted)
		lsp_say("the recording %s; waiting for the command to end", recording);
	lsp_child_await(&r->recorder.child, r->recorder.signals, recording, r->recorder.interrupted);
}

/*
 * Names the processes that the command left behind. A command that makes a daemon of itself ends at
 * once, and its recording with it.
 */
static void leftover_say(const struct recording *r)
{
	struct lsp_leftover left[LEFTOVER_MAX];
	size_t n = lsp_leftover_find(r->begun, left, LEFTOVER_MAX);

	for (size_t i = 0; i < n; i++)
		lsp_say("process %d (%s) was begun meanwhile and runs on without a parent: if the command left it behind, "
			"record it with lockspan record -p %d", (int)left[i].pid, left[i].name, (int)left[i].pid);
}

/*
 * Puts the new recording in the place of the older one. If it is not complete, it stays beside it.
 */
static void recording_keep(struct recording *r)
{
	if (!lsp_record_folder_end(&r->folder, r->written))
		r->failed = true;
}

static void losses_find(const struct recording *r, const struct lsp_record_result *result, struct lsp_losses *ret)
{
	lsp_losses_find(&(struct lsp_losses_source){
		.collector = r->recorder.collector, .end = result->end, .faults = result->faults,
		.foreign_pids = r->recorder.foreign_pids,
		.no_stacks = result->stack_mode == LOCKSPAN_STACK_NONE }, ret);
	lsp_losses_add(ret, &(struct lsp_loss){
		"cpu_samples", r->cpu_lost, "sample", "of the CPU found no room in the kernel's buffer", false });
}

static void report(struct recording *r)
{
	struct lsp_profiles_summary summary;
	struct lsp_losses losses;
	struct lsp_record_result result = {
		.pid_commands = r->recorder.pid_commands,
		.wall_ns = r->recorder.wall_ns, .start_ns = r->recorder.start_ns, .stop_ns = r->stop_ns,
		.stack_mode = r->recorder.request.stack_mode,
		.exit_status = -1, .end = lsp_client_end(r->recorder.client),
		.faults = lsp_client_faults(r->recorder.client), .collector = r->recorder.collector,
		.summary = &summary, .losses = &losses, .deadlocks = &r->deadlocks,
	};

	lsp_profiles_summary(r->recorder.collector, &summary);
	losses_find(r, &result, &losses);
	if (r->options->command && r->recorder.child.ended)
		result.exit_status = lsp_child_exit_status(&r->recorder.child);
	r->written &= spans_end(r, result.end);
	r->written &= lsp_record_files_write(r->options, &result);
	if (!lsp_record_outcome_say(&result, r->written ? r->options->directory : NULL))
		r->failed = true;
	if (r->recorder.child.ended && !r->options->all && !r->recorder.interrupted)
		leftover_say(r);
	if (!more_to_come(r->options))
		recording_keep(r);
}

/*
 * Does what comes after the profiles: waits for the end of the command, and takes what the command
 * saw itself.
 */
static int command_end(struct recording *r)
{
	const struct lsp_record_options *o = r->options;

	if (o->command)
		child_await(r);
	if (more_to_come(o)) {
		r->written &= source_end(r, true);
		if (o->with_user) {
			r->failed |= !lsp_userside_end(&r->user, lsp_child_exit_status(&r->recorder.child));
			r->written &= r->user.written;
		}
		recording_keep(r);
	}
	if (r->failed)
		return LSP_EXIT_FAILED;
	if (!o->command)
		return 0;
	return r->recorder.child.ended ? lsp_child_exit_status(&r->recorder.child) : LSP_EXIT_FAILED;
}

static int command_failed(const char *name, int err)
{
	lsp_say("cannot run %s: %s", name, lsp_say_errno(-err));
	return err == -ENOENT ? LSP_EXIT_NOT_FOUND : LSP_EXIT_NOT_RUN;
}

/* Makes the same files from a kept stream. There is no module, no command and no time. */
static int replay_run(struct recording *r)
{
	struct lsp_client_report end;
	struct lsp_profiles_summary summary;
	struct lsp_losses losses;
	struct lsp_record_result result = {
		.stack_mode = r->options->stack_mode, .exit_status = -1, .end = &end, .faults = lsp_client_faults(r->recorder.client),
		.collector = r->recorder.collector, .summary = &summary, .losses = &losses,
	};
	int err;

	err = lsp_streamfile_replay(r->options->replay, lsp_recorder_feed, &r->recorder, &end);
	if (err) {
		lsp_say("cannot replay %s: %s", r->options->replay, lsp_say_errno(-err));
		return LSP_EXIT_FAILED;
	}
	lsp_collector_finish(r->recorder.collector);
	lsp_profiles_summary(r->recorder.collector, &summary);
	losses_find(r, &result, &losses);
	result.stop_ns = end.stop_ns;
	r->written &= spans_end(r, &end);
	r->written &= lsp_record_files_write(r->options, &result);
	r->failed |= !lsp_record_outcome_say(&result, r->written ? r->options->directory : NULL);
	recording_keep(r);
	return r->failed ? LSP_EXIT_FAILED : 0;
}

static bool with_user_begin(struct recording *r)
{
	char directory[PATH_MAX + 8];

	snprintf(directory, sizeof(directory), "%s/user", r->options->unfinished);
	return lsp_userside_begin(&r->user, r->options, directory);
}

static int recording_run(struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	int err;

	if (!prepare(r))
		return LSP_EXIT_FAILED;
	if (o->replay)
		return replay_run(r);
	err = lsp_client_connect(r->recorder.client);
	if (err) {
		lsp_say_client(r->recorder.client, "record", err);
		return LSP_EXIT_FAILED;
	}
	if (!lsp_recorder_signals(&r->recorder)) {
		lsp_say("cannot take signals: %s", lsp_say_errno(errno));
		return LSP_EXIT_FAILED;
	}
	if ((o->with_user && !with_user_begin(r)) || !source_begin(r))
		return LSP_EXIT_FAILED;
	r->begun = lsp_leftover_now();
	if (o->command) {
		err = lsp_child_create(&r->recorder.child, o->command, &r->recorder.old_mask);
		if (err)
			return command_failed(o->command[0], err);
	}
	if (o->cpu && !lsp_record_cpu_begin(o, o->command ? r->recorder.child.pid : 0, &r->cpu))
		return LSP_EXIT_FAILED;
	err = lsp_recorder_start(&r->recorder);
	if (err) {
		lsp_say_client(r->recorder.client, "start the recording", err);
		return LSP_EXIT_FAILED;
	}
	if (o->command) {
		err = lsp_child_release(&r->recorder.child);
		if (err)
			return command_failed(o->command[0], err);
	}
	session_follow(r);
	session_stop(r);
	report(r);
	return command_end(r);
}

int lsp_cmd_record(int argc, char **argv)
{
	struct lsp_record_options options;
	struct recording r = { .options = &options, .written = true };
	int status;

	lsp_record_options_parse(&options, argc, argv);
	options.unfinished = r.folder.unfinished;
	lsp_recorder_init(&r.recorder, &options);
	lsp_progress_init(&r.progress);
	status = recording_run(&r);

	lsp_cpu_destroy(r.cpu);
	lsp_deadlocks_uninit(&r.deadlocks);
	lsp_userside_uninit(&r.user);
	if (r.spans)
		lsp_spanfile_close(r.spans);
	lsp_folder_uninit(&r.folder);
	lsp_recorder_uninit(&r.recorder);
	return status;
}
