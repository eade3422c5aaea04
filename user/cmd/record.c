// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockspan record: a session with the module from START to END around a
 * command or processes, and the files that come of it.
 */
#include "record.h"

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
#include "folder.h"
#include "leftover.h"
#include "progress.h"
#include "say.h"
#include "session.h"
#include "source.h"
#include "userside.h"

#define TICK_NS 1000000000ULL
/* Messages taken before signals and processes are looked at again. */
#define READ_MAX 256
#define DRAIN_SILENCE_MS 10000
#define LEFTOVER_MAX 4

struct recording {
	const struct lsp_record_options *options;
	struct lsp_session session;
	struct lsp_collector *collector;
	struct lsp_spanfile_writer *spans;
	struct lsp_cpu *cpu;		/* NULL: not asked for */
	FILE *stream;			/* keeps what the module sends */
	struct lsp_userside user;	/* with --with-user */
	struct lsp_folder folder;
	uint64_t stop_ns;
	struct lsp_progress progress;
	uint64_t cpu_lost;		/* samples */
	unsigned long long begun;	/* for leftover.h */
	bool written;			/* all of its files so far */
	bool failed;			/* said why on standard error */
};

/* ---- before START ---- */

static int data_feed(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	struct recording *r = arg;

	if (r->stream && lsp_streamfile_add_data(r->stream, cpu, seq, run, bytes))
		return -EIO;
	return lsp_collector_feed(r->collector, cpu, seq, run, bytes);
}

static void resolver_warn(void *arg, const char *sentence)
{
	(void)arg;
	lsp_say("%s", sentence);
}

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
		.block_rate_ns = o->block_rate_ns, .mutex_fraction = o->mutex_fraction,
		.min_delay_ns = o->min_delay_ns });
}

/* Without an answer: a module that does not take them goes on copying. */
static void rules_teach(void *arg, uint32_t generation, const struct lockspan_rule *rules, size_t n)
{
	struct recording *r = arg;

	lsp_client_teach(r->session.client, generation, rules, n);
}

static bool prepare(struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	struct lsp_collector_options collector = {
		.resolver = {
			.debuginfod = o->debuginfod, .all_frames = o->all_frames,
			.warn = resolver_warn,
		},
		.late_names = o->with_user, .live = !o->replay, .teach = o->replay ? NULL : rules_teach, .teach_arg = r,
	};
	char path[PATH_MAX];
	int err;

	if (!lsp_record_folder_begin(&r->folder, o) || !lsp_session_prepare(&r->session, data_feed, r))
		return false;
	r->session.request.both = o->stack_both;
	collector.resolver.foreign_pids = r->session.foreign_pids;
	collector.resolver.begun_ns = o->replay ? 0 : lsp_clock_ns(CLOCK_REALTIME);
	if (o->spans) {
		err = spans_begin(r, path);
		if (err) {
			lsp_say("cannot write %s: %s", path, strerror(-err));
			return false;
		}
		collector.spans = r->spans;
	}
	err = lsp_collector_create(&collector, &r->collector);
	if (err) {
		lsp_say("cannot begin: %s", strerror(-err));
		return false;
	}
	if (o->keep_stream && lsp_streamfile_create(o->keep_stream, &r->stream)) {
		lsp_say("cannot write %s: %s", o->keep_stream, strerror(errno));
		return false;
	}
	return true;
}

/* ---- between START and STOP ---- */

static void tick(struct recording *r)
{
	lsp_session_tick(&r->session, r->collector);
	lsp_record_cpu_tick(r->cpu);
	if (r->spans)
		lsp_spanfile_flush(r->spans);
	lsp_progress_show(&r->progress, &r->session, r->collector);
}

static void session_follow(struct recording *r)
{
	uint64_t end_ns = r->options->duration_ns ? r->session.start_ns + r->options->duration_ns : UINT64_MAX;
	uint64_t tick_ns = r->session.start_ns + TICK_NS;
	struct pollfd fds[LSP_SESSION_FDS];
	int n;

	while (!r->session.interrupted && !lsp_client_end(r->session.client)) {
		uint64_t now = lsp_clock_ns(CLOCK_MONOTONIC);

		if (now >= end_ns || lsp_session_gone(&r->session))
			return;
		if (now >= tick_ns) {
			tick(r);
			tick_ns = lsp_clock_ns(CLOCK_MONOTONIC) + TICK_NS;
		}
		n = lsp_client_read(r->session.client, READ_MAX);
		if (n < 0) {
			lsp_say("reading from the module: %s", strerror(-n));
			r->failed = true;
			return;
		}
		lsp_session_deepen(&r->session, r->collector);
		if (n < READ_MAX)
			poll(fds, lsp_session_fds(&r->session, fds),
			     lsp_clock_ms_until(end_ns < tick_ns ? end_ns : tick_ns));
		lsp_session_signals_read(&r->session);
	}
	if (!r->session.interrupted) {
		lsp_say("the module ended the recording by itself; see dmesg");
		r->failed = true;
	}
}

/* What a program that runs already has counted before; one that we start has nothing yet. */
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
		lsp_say("cannot write to %s: %s", before, strerror(-err));
	return !err && lsp_source_take(o->user_source, before, NULL);
}

/* An address is asked as soon as the recording ends, a file read when the command has written it. */
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
		lsp_say("cannot write to %s: %s", user, strerror(-err));
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

	r->stop_ns = lsp_clock_ns(CLOCK_MONOTONIC);
	if (!lsp_client_end(r->session.client))
		err = lsp_client_stop(r->session.client);
	if (!source_end(r, false))
		r->failed = true;
	if (!err)
		err = lsp_client_drain(r->session.client, DRAIN_SILENCE_MS);
	lsp_session_signal_pass_on(&r->session);
	lsp_progress_text(&r->progress, "resolving stacks");
	if (r->cpu && !lsp_record_cpu_write(r->options, r->cpu, r->session.wall_ns,
					       r->stop_ns - r->session.start_ns, &r->cpu_lost))
		r->written = false;
	if (err) {
		lsp_say_client(r->session.client, "end the recording", err);
		r->failed = true;
	}
	if (lsp_client_end(r->session.client) && lsp_client_end(r->session.client)->stop_ns)
		r->stop_ns = lsp_client_end(r->session.client)->stop_ns;
	if (r->stream && lsp_client_end(r->session.client))
		lsp_streamfile_add_end(r->stream, lsp_client_end(r->session.client));
	if (r->options->with_user && !lsp_userside_births(&r->user, r->collector))
		r->failed = true;
	err = lsp_collector_finish(r->collector);
	if (err) {
		lsp_say("resolving stacks: %s", strerror(-err));
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
		lsp_say("cannot write %s/spans.lspan: %s", r->options->unfinished, strerror(-err));
	return !err;
}

/* Whether there is more to be written when the command has ended, which may be long after the recording. */
static bool more_to_come(const struct lsp_record_options *o)
{
	return o->command && (o->with_user || (o->user_source && !lsp_source_is_url(o->user_source)));
}

/* Waits for a command that goes on after its recording; a second signal gives up. */
static void child_await(struct recording *r)
{
	const char *recording = more_to_come(r->options) ? "has ended" : "is written";

	if (!r->session.child.ended && r->progress.shown && !r->session.interrupted)
		lsp_say("the recording %s; waiting for the command to end", recording);
	lsp_child_await(&r->session.child, r->session.signals, recording, r->session.interrupted);
}

/* A command that makes a daemon of itself ends at once, and the recording with it. */
static void leftover_say(const struct recording *r)
{
	struct lsp_leftover left[LEFTOVER_MAX];
	size_t n = lsp_leftover_find(r->begun, left, LEFTOVER_MAX);

	for (size_t i = 0; i < n; i++)
		lsp_say("process %d (%s) was begun meanwhile and runs on without a parent: if the command left it behind, "
			"record it with lockspan record -p %d", (int)left[i].pid, left[i].name, (int)left[i].pid);
}

/* The new recording in the place of the older one; what is not whole stays beside it. */
static void recording_keep(struct recording *r)
{
	if (!lsp_record_folder_end(&r->folder, r->written))
		r->failed = true;
}

static void losses_find(const struct recording *r, const struct lsp_record_result *result, struct lsp_losses *ret)
{
	lsp_losses_find(&(struct lsp_losses_source){
		.collector = r->collector, .end = result->end, .faults = result->faults,
		.foreign_pids = r->session.foreign_pids,
		.no_stacks = result->stack_mode == LOCKSPAN_STACK_NONE }, ret);
	lsp_losses_add(ret, &(struct lsp_loss){
		"cpu_samples", r->cpu_lost, "sample", "of the CPU found no room in the kernel's buffer", false });
}

static void report(struct recording *r)
{
	struct lsp_profiles_summary summary;
	struct lsp_losses losses;
	struct lsp_record_result result = {
		.pid_commands = r->session.pid_commands,
		.wall_ns = r->session.wall_ns, .start_ns = r->session.start_ns, .stop_ns = r->stop_ns,
		.stack_mode = r->session.request.stack_mode,
		.exit_status = -1, .end = lsp_client_end(r->session.client),
		.faults = lsp_client_faults(r->session.client), .collector = r->collector,
		.summary = &summary, .losses = &losses,
	};

	lsp_profiles_summary(r->collector, &summary);
	losses_find(r, &result, &losses);
	if (r->options->command && r->session.child.ended)
		result.exit_status = lsp_child_exit_status(&r->session.child);
	r->written &= spans_end(r, result.end);
	r->written &= lsp_record_files_write(r->options, &result);
	if (!lsp_record_outcome_say(&result, r->written ? r->options->directory : NULL))
		r->failed = true;
	if (r->session.child.ended && !r->options->all && !r->session.interrupted)
		leftover_say(r);
	if (!more_to_come(r->options))
		recording_keep(r);
}

/* What comes after the profiles: the end of the command, and what it saw itself. */
static int command_end(struct recording *r)
{
	const struct lsp_record_options *o = r->options;

	if (o->command)
		child_await(r);
	if (more_to_come(o)) {
		r->written &= source_end(r, true);
		if (o->with_user) {
			r->failed |= !lsp_userside_end(&r->user, lsp_child_exit_status(&r->session.child));
			r->written &= r->user.written;
		}
		recording_keep(r);
	}
	if (r->failed)
		return LSP_EXIT_FAILED;
	if (!o->command)
		return 0;
	return r->session.child.ended ? lsp_child_exit_status(&r->session.child) : LSP_EXIT_FAILED;
}

static int command_failed(const char *name, int err)
{
	lsp_say("cannot run %s: %s", name, strerror(-err));
	return err == -ENOENT ? LSP_EXIT_NOT_FOUND : LSP_EXIT_NOT_RUN;
}

/* The same from a kept stream: no module, no command, no time of its own. */
static int replay_run(struct recording *r)
{
	struct lsp_client_report end;
	struct lsp_profiles_summary summary;
	struct lsp_losses losses;
	struct lsp_record_result result = {
		.stack_mode = r->options->stack_mode, .exit_status = -1, .end = &end, .faults = lsp_client_faults(r->session.client),
		.collector = r->collector, .summary = &summary, .losses = &losses,
	};
	int err;

	err = lsp_streamfile_replay(r->options->replay, data_feed, r, &end);
	if (err) {
		lsp_say("cannot replay %s: %s", r->options->replay, strerror(-err));
		return LSP_EXIT_FAILED;
	}
	lsp_collector_finish(r->collector);
	lsp_profiles_summary(r->collector, &summary);
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
	err = lsp_client_connect(r->session.client);
	if (err) {
		lsp_say_client(r->session.client, "record", err);
		return LSP_EXIT_FAILED;
	}
	if (!lsp_session_signals(&r->session)) {
		lsp_say("cannot take signals: %s", strerror(errno));
		return LSP_EXIT_FAILED;
	}
	if ((o->with_user && !with_user_begin(r)) || !source_begin(r))
		return LSP_EXIT_FAILED;
	r->begun = lsp_leftover_now();
	if (o->command) {
		err = lsp_child_create(&r->session.child, o->command, &r->session.old_mask);
		if (err)
			return command_failed(o->command[0], err);
	}
	if (o->cpu && !lsp_record_cpu_begin(o, o->command ? r->session.child.pid : 0, &r->cpu))
		return LSP_EXIT_FAILED;
	err = lsp_session_start(&r->session);
	if (err) {
		lsp_say_client(r->session.client, "start the recording", err);
		return LSP_EXIT_FAILED;
	}
	if (o->command) {
		err = lsp_child_release(&r->session.child);
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
	lsp_session_init(&r.session, &options);
	lsp_progress_init(&r.progress);
	status = recording_run(&r);

	lsp_cpu_destroy(r.cpu);
	lsp_userside_uninit(&r.user);
	if (r.spans)
		lsp_spanfile_close(r.spans);
	lsp_folder_uninit(&r.folder);
	if (r.stream)
		fclose(r.stream);
	lsp_session_uninit(&r.session);
	lsp_collector_destroy(r.collector);
	return status;
}
