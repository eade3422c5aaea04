// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockspan serve: a session with the module, and an HTTP server that shows what
 * came of it so far. One thread does both, in turns: a profile is always that
 * of whole messages, and nothing needs a lock.
 *
 * Memory is bounded by ending the session and beginning another when too many
 * sums have gathered. Counters are at 0 then, so every sample has the session
 * as a label: for who takes differences of scrapes they are other samples, and
 * nothing is negative or counted twice. The same holds when lockspan itself is
 * started again.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../serve/server.h"
#include "cmd.h"
#include "progress.h"
#include "record_files.h"
#include "say.h"
#include "serve_metrics.h"
#include "serve_options.h"
#include "recorder.h"

#define TICK_NS 1000000000ULL
/* How many messages are taken before the server has its turn. */
#define READ_MAX 256
/*
 * How many messages are taken before a profile is built: those that have arrived, but not those
 * that arrive meanwhile.
 */
#define READ_BEFORE_PROFILE 4096
#define DRAIN_SILENCE_MS 10000

struct serving {
	const struct lsp_serve_options *options;
	struct lsp_recorder recorder;
	struct lsp_server *server;
	struct lsp_progress progress;
	char label[40];			/* of this session */
	bool partial;
	bool over;			/* all that was recorded ended between two sessions */
	bool failed;			/* said why */
};

/* ---- what the server asks for ---- */

static void what_has_arrived(struct serving *v)
{
	lsp_client_read(v->recorder.client, READ_BEFORE_PROFILE);
	lsp_collector_tick(v->recorder.collector);
}

static int profiles_now(struct serving *v, struct lsp_profiles *ret)
{
	const struct lsp_record_options *o = &v->options->what;
	const struct lsp_profiles_facts facts = { .rates = o->rates, .session = v->label };

	what_has_arrived(v);
	return lsp_profiles_create(v->recorder.collector, &facts, ret);
}

static int profile_give(void *arg, enum lsp_serve_kind kind, struct lsp_profile **ret)
{
	struct lsp_profiles profiles;
	int err = profiles_now(arg, &profiles);

	if (err)
		return err;
	if (kind == LSP_SERVE_BLOCK) {
		*ret = profiles.block;
		profiles.block = NULL;
	} else {
		*ret = profiles.mutex;
		profiles.mutex = NULL;
	}
	lsp_profiles_destroy(&profiles);
	return 0;
}

static void numbers_give(void *arg, struct lsp_serve_numbers *ret)
{
	struct serving *v = arg;
	struct lsp_collector_totals t;
	struct lsp_profiles profiles;

	*ret = (struct lsp_serve_numbers){ .session = v->label };
	if (!profiles_now(v, &profiles)) {
		ret->samples[LSP_SERVE_BLOCK] = lsp_profile_samples(profiles.block);
		ret->samples[LSP_SERVE_MUTEX] = lsp_profile_samples(profiles.mutex);
		lsp_profiles_destroy(&profiles);
	}
	lsp_collector_totals(v->recorder.collector, &t);
	ret->waits = t.spans;
	ret->releases = t.releases;
	ret->lost = t.gap_records;
	ret->seconds = (double)(lsp_clock_ns(CLOCK_MONOTONIC) - v->recorder.start_ns) / 1e9;
}

static int metrics_give(void *arg, FILE *to)
{
	struct serving *v = arg;

	what_has_arrived(v);
	return lsp_serve_metrics_write(to, &v->recorder);
}

/* ---- sessions ---- */

static const struct lsp_collector_options collector_options = { .steady = true };

static bool session_begin(struct serving *v)
{
	time_t seconds;
	struct tm tm;
	size_t n;
	int err;

	err = lsp_recorder_start(&v->recorder);
	/* The last process may end between two sessions: that is the end, not a failure. */
	v->over = err == -ESRCH && v->recorder.again && lsp_recorder_gone(&v->recorder);
	if (v->over)
		return true;
	if (err) {
		lsp_say_client(v->recorder.client, "start the recording", err);
		return false;
	}
	seconds = (time_t)(v->recorder.wall_ns / 1000000000);
	gmtime_r(&seconds, &tm);
	n = strftime(v->label, sizeof(v->label), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(v->label + n, sizeof(v->label) - n, ".%03dZ",
		 (int)(v->recorder.wall_ns / 1000000 % 1000));
	return true;
}

/* Sends STOP, and says what was lost. */
static void session_end(struct serving *v)
{
	struct lsp_client *client = v->recorder.client;
	struct lsp_losses_source source = {
		.collector = v->recorder.collector, .foreign_pids = v->recorder.foreign_pids, .no_stacks = v->recorder.request.stack_mode == LOCKSPAN_STACK_NONE,
	};
	struct lsp_losses losses;
	int err = 0;

	if (!lsp_client_end(client))
		err = lsp_client_stop(client);
	if (!err)
		err = lsp_client_drain(client, DRAIN_SILENCE_MS);
	if (err) {
		lsp_say_client(client, "end the recording", err);
		v->failed = true;
		return;
	}
	source.end = lsp_client_end(client);
	source.faults = lsp_client_faults(client);
	lsp_losses_find(&source, &losses);
	v->partial |= !lsp_record_losses_say(&losses);
}

static bool session_renew(struct serving *v)
{
	lsp_server_reset(v->server);
	session_end(v);
	if (v->failed)
		return false;
	if (!lsp_recorder_renew(&v->recorder, &collector_options) || !session_begin(v))
		return false;
	if (v->over)
		return true;
	lsp_say("more than %zu different sums: the counters begin anew, session %s",
		v->options->rows_max, v->label);
	return true;
}

/* ---- serving ---- */

static bool tick(struct serving *v)
{
	struct lsp_collector_totals t;

	lsp_recorder_tick(&v->recorder);
	lsp_progress_show(&v->progress, &v->recorder);
	lsp_collector_totals(v->recorder.collector, &t);
	if (t.rows > v->options->rows_max || t.traces > v->options->rows_max)
		return session_renew(v);
	return true;
}

static void serve(struct serving *v)
{
	uint64_t tick_ns = lsp_clock_ns(CLOCK_MONOTONIC) + TICK_NS;
	struct pollfd fds[LSP_RECORDER_FDS + 1];
	uint64_t due_ns;
	nfds_t nfds;
	int n;

	while (!v->over && !v->recorder.interrupted && !lsp_recorder_gone(&v->recorder)) {
		if (lsp_clock_ns(CLOCK_MONOTONIC) >= tick_ns) {
			v->failed |= !tick(v);
			tick_ns = lsp_clock_ns(CLOCK_MONOTONIC) + TICK_NS;
		}
		if (v->failed || v->over)
			return;
		n = lsp_client_read(v->recorder.client, READ_MAX);
		if (n < 0 || lsp_client_end(v->recorder.client)) {
			lsp_say(n < 0 ? "reading from the module: %s" :
				"the module ended the recording by itself%s; see dmesg",
				n < 0 ? lsp_say_errno(-n) : "");
			v->failed = true;
			return;
		}
		lsp_recorder_deepen(&v->recorder);
		lsp_server_run(v->server);
		if (n < READ_MAX) {
			nfds = lsp_recorder_fds(&v->recorder, fds);
			fds[nfds++] = (struct pollfd){ .fd = lsp_server_fd(v->server), .events = POLLIN };
			due_ns = lsp_server_due_ns(v->server);
			poll(fds, nfds, lsp_clock_ms_until(due_ns < tick_ns ? due_ns : tick_ns));
		}
		lsp_recorder_signals_read(&v->recorder);
	}
}

static bool server_begin(struct serving *v, char **argv)
{
	const struct lsp_serve_options *o = v->options;
	const struct lsp_server_source source = {
		.profile = profile_give, .numbers = numbers_give, .metrics = metrics_give, .arg = v,
		.command_line = argv,
	};
	int err;

	err = lsp_server_create((const struct sockaddr *)&o->address, o->address_bytes, &source,
				&v->server);
	if (err)
		lsp_say("cannot listen at %s: %s", o->address_text, lsp_say_errno(-err));
	return !err;
}

static int serving_run(struct serving *v, char **argv)
{
	char **command = v->options->what.command;
	int err;

	if (!server_begin(v, argv) || !lsp_recorder_prepare(&v->recorder) ||
	    !lsp_recorder_collector_begin(&v->recorder, &collector_options))
		return LSP_EXIT_OTHER_FAILED;
	err = lsp_client_connect(v->recorder.client);
	if (err) {
		lsp_say_client(v->recorder.client, "record", err);
		return LSP_EXIT_OTHER_FAILED;
	}
	if (!lsp_recorder_signals(&v->recorder)) {
		lsp_say("cannot take signals: %s", lsp_say_errno(errno));
		return LSP_EXIT_OTHER_FAILED;
	}
	if (command)
		err = lsp_child_create(&v->recorder.child, command, &v->recorder.old_mask);
	if (!err && !session_begin(v))
		return LSP_EXIT_OTHER_FAILED;
	if (!err && command)
		err = lsp_child_release(&v->recorder.child);
	if (err) {
		lsp_say("cannot run %s: %s", command[0], lsp_say_errno(-err));
		return LSP_EXIT_OTHER_FAILED;
	}
	lsp_say("serving http://%s:%u/debug/pprof/", v->options->address_text,
		lsp_server_port(v->server));
	serve(v);
	lsp_progress_text(&v->progress, "");
	if (!v->failed && !v->over)
		session_end(v);
	lsp_recorder_signal_pass_on(&v->recorder);
	return v->failed ? LSP_EXIT_OTHER_FAILED : v->partial ? LSP_EXIT_OTHER_PARTIAL : 0;
}

int lsp_cmd_serve(int argc, char **argv)
{
	struct lsp_serve_options options;
	struct serving v = { .options = &options };
	int status;

	lsp_serve_options_parse(&options, argc, argv);
	lsp_recorder_init(&v.recorder, &options.what);
	lsp_progress_init(&v.progress);
	status = serving_run(&v, argv);

	lsp_server_destroy(v.server);
	lsp_recorder_uninit(&v.recorder);
	return status;
}
