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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../capture/spanfile.h"
#include "../capture/streamfile.h"
#include "child.h"
#include "cmd.h"
#include "folder.h"
#include "say.h"

#define TICK_NS 1000000000ULL
/* Messages taken before signals and processes are looked at again. */
#define READ_MAX 256
#define DRAIN_SILENCE_MS 10000
#define RESEND_MAX 64

struct recording {
	const struct lsp_record_options *options;
	struct lsp_client *client;
	struct lsp_collector *collector;
	struct lsp_spanfile_writer *spans;
	FILE *stream;			/* keeps what the module sends */
	struct lsp_client_options request;
	struct lsp_child child;
	sigset_t old_mask;
	int signals;			/* signalfd */
	int pidfds[LSP_RECORD_PIDS];
	int64_t wall_ns;
	uint64_t start_ns;
	uint64_t stop_ns;
	bool progress;			/* standard error is a terminal */
	bool interrupted;
	int pass_on;			/* signal that the command is still to get, 0 none */
	bool failed;			/* said why on standard error */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- before START ---- */

static int cgroup_find(const char *path, uint64_t *ret)
{
	struct stat st;
	char full[PATH_MAX];

	if (path[0] != '/' && stat(path, &st)) {
		snprintf(full, sizeof(full), "/sys/fs/cgroup/%s", path);
		path = full;
	}
	if (stat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	*ret = st.st_ino;
	return 0;
}

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

static bool processes_watch(struct recording *r)
{
	const struct lsp_record_options *o = r->options;

	for (size_t i = 0; i < o->npids; i++) {
		r->pidfds[i] = (int)syscall(SYS_pidfd_open, o->pids[i], 0);
		if (r->pidfds[i] < 0) {
			lsp_say("process %u: %s", o->pids[i], errno == EINVAL ?
				"this is a thread, give its process" : strerror(errno));
			return false;
		}
	}
	return true;
}

/* Under another name until START has been granted: a refused one must not cost an older recording. */
static int spans_begin(struct recording *r, char *path)
{
	const struct lsp_record_options *o = r->options;
	struct utsname host = { .release = "" };
	int err;

	snprintf(path, PATH_MAX, "%s/spans.lspan.new", o->directory);
	err = lsp_spanfile_create(path, &r->spans);
	if (err)
		return err;
	uname(&host);
	return lsp_spanfile_add_header(r->spans, &(struct lsp_spanfile_header){
		.release = LSP_RELEASE, .contract = LOCKSPAN_VERSION, .kernel = host.release,
		.command = (const char *const *)o->command,
		.wall_ns = (int64_t)clock_ns(CLOCK_REALTIME), .start_ns = clock_ns(CLOCK_MONOTONIC),
		.block_rate_ns = o->block_rate_ns, .mutex_fraction = o->mutex_fraction,
		.min_delay_ns = o->min_delay_ns });
}

static void spans_keep(struct recording *r)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (!r->spans)
		return;
	snprintf(from, sizeof(from), "%s/spans.lspan.new", r->options->directory);
	snprintf(to, sizeof(to), "%s/spans.lspan", r->options->directory);
	rename(from, to);
}

static void spans_drop(struct recording *r)
{
	char path[PATH_MAX];

	if (!r->spans)
		return;
	lsp_spanfile_close(r->spans);
	r->spans = NULL;
	snprintf(path, sizeof(path), "%s/spans.lspan.new", r->options->directory);
	unlink(path);
}

static bool prepare(struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	struct lsp_collector_options collector = {
		.resolver = {
			.debuginfod = o->debuginfod, .all_frames = o->all_frames,
			.warn = resolver_warn,
		},
		.live = !o->replay,
	};
	char path[PATH_MAX];
	int err;

	err = lsp_folder_check(o->directory);
	if (err) {
		lsp_say("cannot write to %s: %s", o->directory, strerror(-err));
		return false;
	}
	if (o->cgroup) {
		err = cgroup_find(o->cgroup, &r->request.cgroup);
		if (err) {
			lsp_say("control group %s: %s", o->cgroup, strerror(-err));
			return false;
		}
	}
	if (!processes_watch(r))
		return false;
	if (o->spans) {
		err = spans_begin(r, path);
		if (err) {
			lsp_say("cannot write %s: %s", path, strerror(-err));
			return false;
		}
		collector.spans = r->spans;
	}
	err = lsp_collector_create(&collector, &r->collector);
	if (!err)
		err = lsp_client_create(data_feed, r, &r->client);
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

static bool signals_take(struct recording *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	/* Inherited as ignored it would lose the command's status. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, &r->old_mask))
		return false;
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals >= 0;
}

static int session_start(struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	uint32_t tgids[LSP_RECORD_PIDS + 1];
	struct lsp_client_options *q = &r->request;
	int err;

	memcpy(tgids, o->pids, o->npids * sizeof(tgids[0]));
	q->ntgids = o->npids;
	if (o->command && !o->all)
		tgids[q->ntgids++] = (uint32_t)r->child.pid;
	q->tgids = tgids;
	q->block_rate_ns = o->block_rate_ns;
	q->mutex_fraction = o->mutex_fraction;
	q->min_delay_ns = o->min_delay_ns;
	q->stack_mode = o->stack_mode;
	q->ring_bytes = o->ring_bytes;
	q->flags = o->all ? LOCKSPAN_F_ALL : q->ntgids ? LOCKSPAN_F_CHILDREN : 0;

	err = lsp_client_start(r->client, q);
	if (err == -EOPNOTSUPP && o->stack_auto) {
		q->stack_mode = LOCKSPAN_STACK_RAW;
		err = lsp_client_start(r->client, q);
	}
	q->tgids = NULL;
	r->wall_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	r->start_ns = clock_ns(CLOCK_MONOTONIC);
	return err;
}

/* ---- between START and STOP ---- */

static void progress_show(struct recording *r)
{
	struct lsp_collector_totals t;
	const char *top;
	double wait_ns;

	if (!r->progress)
		return;
	lsp_collector_totals(r->collector, &t);
	top = lsp_collector_top(r->collector, &wait_ns);
	fprintf(stderr, "\r\033[K%4.0f s  %" PRIu64 " waits  %" PRIu64 " releases  %" PRIu64 " lost",
		(double)(clock_ns(CLOCK_MONOTONIC) - r->start_ns) / 1e9, t.spans, t.releases,
		t.gap_records);
	if (*top)
		fprintf(stderr, "  top %.60s %.3f s", top, wait_ns / 1e9);
	fflush(stderr);
}

static void tick(struct recording *r)
{
	uint64_t ids[RESEND_MAX];
	size_t n;

	lsp_collector_tick(r->collector);
	if (r->spans)
		lsp_spanfile_flush(r->spans);
	n = lsp_collector_missing(r->collector, clock_ns(CLOCK_MONOTONIC), ids, RESEND_MAX);
	for (size_t i = 0; i < n; i++)
		lsp_client_resend(r->client, ids[i]);
	progress_show(r);
}

/* A signal ends the recording. One sent to us alone is passed on; the terminal's the command has too. */
static void signals_read(struct recording *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		r->interrupted = true;
		if (info.ssi_code <= 0)
			r->pass_on = (int)info.ssi_signo;
	}
}

/* Not before the recording has ended: what hangs is to be recorded as it hangs. */
static void signal_pass_on(struct recording *r)
{
	if (r->pass_on && r->child.pid > 0 && !lsp_child_poll(&r->child, false))
		kill(r->child.pid, r->pass_on);
	r->pass_on = 0;
}

/* Whether there is nobody left that could be recorded. */
static bool all_gone(struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	struct pollfd fds[LSP_RECORD_PIDS];

	if (o->command)
		return lsp_child_poll(&r->child, false);
	if (o->all || o->cgroup)
		return false;
	for (size_t i = 0; i < o->npids; i++)
		fds[i] = (struct pollfd){ .fd = r->pidfds[i], .events = POLLIN };
	return poll(fds, o->npids, 0) == (int)o->npids;
}

static void wait_for_something(struct recording *r, uint64_t until_ns)
{
	struct pollfd fds[LSP_RECORD_PIDS + 3];
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	nfds_t n = 0;
	int ms;

	fds[n++] = (struct pollfd){ .fd = lsp_client_fd(r->client), .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
	if (r->options->command)
		fds[n++] = (struct pollfd){ .fd = r->child.pidfd, .events = POLLIN };
	else
		/* An ended process stays readable: watch one that lives. */
		for (size_t i = 0; i < r->options->npids; i++) {
			struct pollfd p = { .fd = r->pidfds[i], .events = POLLIN };

			if (!poll(&p, 1, 0))
				fds[n++] = p;
		}
	ms = until_ns > now ? (int)((until_ns - now) / 1000000 + 1) : 0;
	poll(fds, n, ms);
}

static void session_follow(struct recording *r)
{
	uint64_t end_ns = r->options->duration_ns ? r->start_ns + r->options->duration_ns : UINT64_MAX;
	uint64_t tick_ns = r->start_ns + TICK_NS;
	int n;

	while (!r->interrupted && !lsp_client_end(r->client)) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC);

		if (now >= end_ns || all_gone(r))
			return;
		if (now >= tick_ns) {
			tick(r);
			tick_ns = clock_ns(CLOCK_MONOTONIC) + TICK_NS;
		}
		n = lsp_client_read(r->client, READ_MAX);
		if (n < 0) {
			lsp_say("reading from the module: %s", strerror(-n));
			r->failed = true;
			return;
		}
		if (n < READ_MAX)
			wait_for_something(r, end_ns < tick_ns ? end_ns : tick_ns);
		signals_read(r);
	}
	if (!r->interrupted) {
		lsp_say("the module ended the recording by itself; see dmesg");
		r->failed = true;
	}
}

static void session_stop(struct recording *r)
{
	int err = 0;

	r->stop_ns = clock_ns(CLOCK_MONOTONIC);
	if (!lsp_client_end(r->client))
		err = lsp_client_stop(r->client);
	if (!err)
		err = lsp_client_drain(r->client, DRAIN_SILENCE_MS);
	signal_pass_on(r);
	if (r->progress)
		fputs("\r\033[Kresolving stacks", stderr);
	if (err) {
		lsp_say_client(r->client, "end the recording", err);
		r->failed = true;
	}
	if (lsp_client_end(r->client) && lsp_client_end(r->client)->stop_ns)
		r->stop_ns = lsp_client_end(r->client)->stop_ns;
	if (r->stream && lsp_client_end(r->client))
		lsp_streamfile_add_end(r->stream, lsp_client_end(r->client));
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
		lsp_say("cannot write %s/spans.lspan: %s", r->options->directory, strerror(-err));
	return !err;
}

/* Waits for a command that goes on after its recording; a second signal gives up. */
static void child_await(struct recording *r)
{
	if (!r->child.ended && r->progress && !r->interrupted)
		lsp_say("the recording is written; waiting for the command to end");
	r->interrupted = false;
	while (!r->interrupted && !lsp_child_poll(&r->child, false)) {
		struct pollfd fds[2] = {
			{ .fd = r->child.pidfd, .events = POLLIN },
			{ .fd = r->signals, .events = POLLIN },
		};

		poll(fds, 2, -1);
		signals_read(r);
		signal_pass_on(r);
	}
}

static int report(struct recording *r)
{
	struct lsp_profiles_summary summary;
	struct lsp_record_result result = {
		.wall_ns = r->wall_ns, .start_ns = r->start_ns, .stop_ns = r->stop_ns,
		.stack_mode = r->request.stack_mode,
		.exit_status = -1, .end = lsp_client_end(r->client),
		.faults = lsp_client_faults(r->client), .collector = r->collector,
		.summary = &summary,
	};
	bool command = r->options->command;

	lsp_profiles_summary(r->collector, &summary);
	if (command && r->child.ended)
		result.exit_status = lsp_child_exit_status(&r->child);
	if (!spans_end(r, result.end))
		r->failed = true;
	if (!lsp_record_files_write(r->options, &result))
		r->failed = true;

	if (command)
		child_await(r);
	if (r->failed)
		return LSP_EXIT_FAILED;
	if (!command)
		return 0;
	return r->child.ended ? lsp_child_exit_status(&r->child) : LSP_EXIT_FAILED;
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
	struct lsp_record_result result = {
		.stack_mode = r->options->stack_mode, .exit_status = -1, .end = &end, .faults = lsp_client_faults(r->client),
		.collector = r->collector, .summary = &summary,
	};
	int err;

	err = lsp_streamfile_replay(r->options->replay, data_feed, r, &end);
	if (err) {
		lsp_say("cannot replay %s: %s", r->options->replay, strerror(-err));
		return LSP_EXIT_FAILED;
	}
	lsp_folder_clear(r->options->directory);
	spans_keep(r);
	lsp_collector_finish(r->collector);
	lsp_profiles_summary(r->collector, &summary);
	result.stop_ns = end.stop_ns;
	spans_end(r, &end);
	return lsp_record_files_write(r->options, &result) ? 0 : LSP_EXIT_FAILED;
}

static int recording_run(struct recording *r)
{
	const struct lsp_record_options *o = r->options;
	int err;

	if (!prepare(r))
		return LSP_EXIT_FAILED;
	if (o->replay)
		return replay_run(r);
	err = lsp_client_connect(r->client);
	if (err) {
		lsp_say_client(r->client, "record", err);
		return LSP_EXIT_FAILED;
	}
	if (!signals_take(r)) {
		lsp_say("cannot take signals: %s", strerror(errno));
		return LSP_EXIT_FAILED;
	}
	if (o->command) {
		err = lsp_child_create(&r->child, o->command, &r->old_mask);
		if (err)
			return command_failed(o->command[0], err);
	}
	err = session_start(r);
	if (err) {
		lsp_say_client(r->client, "start the recording", err);
		return LSP_EXIT_FAILED;
	}
	lsp_folder_clear(o->directory);
	spans_keep(r);
	if (o->command) {
		err = lsp_child_release(&r->child);
		if (err)
			return command_failed(o->command[0], err);
	}
	session_follow(r);
	session_stop(r);
	return report(r);
}

int lsp_cmd_record(int argc, char **argv)
{
	struct lsp_record_options options;
	struct recording r = {
		.options = &options, .signals = -1,
		.child = { .pidfd = -1, .gate = -1, .failure = -1 },
		.progress = isatty(STDERR_FILENO),
	};
	int status;

	lsp_record_options_parse(&options, argc, argv);
	for (size_t i = 0; i < LSP_RECORD_PIDS; i++)
		r.pidfds[i] = -1;
	status = recording_run(&r);

	spans_drop(&r);
	if (r.stream)
		fclose(r.stream);
	lsp_child_uninit(&r.child);
	lsp_client_destroy(r.client);
	lsp_collector_destroy(r.collector);
	for (size_t i = 0; i < LSP_RECORD_PIDS; i++)
		if (r.pidfds[i] >= 0)
			close(r.pidfds[i]);
	if (r.signals >= 0)
		close(r.signals);
	return status;
}
