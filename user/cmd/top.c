// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockspan top: a session with the module, and a table of its locks that is renewed while it goes on.
 *
 * Memory is bounded by ending the session and beginning another when too many sums have gathered.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../results/profiles.h"
#include "../top/terminal.h"
#include "cmd.h"
#include "progress.h"
#include "record_files.h"
#include "recorder.h"
#include "say.h"
#include "top_options.h"

/* How many messages are taken before keys and signals are looked at again. */
#define READ_MAX 256
#define DRAIN_SILENCE_MS 10000

struct viewing {
	struct lsp_top_options *options;
	struct lsp_recorder recorder;
	struct lsp_terminal *terminal;	/* NULL: blocks of text are written */
	struct lsp_top_screen screen;
	struct lsp_top_before before;
	struct lsp_top_look look;
	uint64_t look_ns;		/* when it was; or when the session began */
	uint64_t looks;
	int said;			/* what is said meanwhile: standard error goes there; -1: it does not */
	int error;			/* the real standard error */
	bool ended;			/* the session has ended */
	bool over;			/* nobody is left who could be recorded */
	bool partial;
	bool failed;			/* said why */
	bool quit;
};

static const struct lsp_collector_options collector_options = { 0 };

/* ---- standard error, while the screen is ours ---- */

static void said_keep(struct viewing *v)
{
	v->said = memfd_create("lockspan-top", MFD_CLOEXEC);
	v->error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (v->said < 0 || v->error < 0 || dup2(v->said, STDERR_FILENO) < 0) {
		if (v->said >= 0)
			close(v->said);
		v->said = -1;
	}
}

static void said_give(struct viewing *v)
{
	char text[4096];
	ssize_t n;

	if (v->said >= 0) {
		dup2(v->error, STDERR_FILENO);
		lseek(v->said, 0, SEEK_SET);
		while ((n = read(v->said, text, sizeof(text))) > 0)
			fwrite(text, 1, (size_t)n, stderr);
		close(v->said);
		v->said = -1;
	}
	if (v->error >= 0)
		close(v->error);
	v->error = -1;
}

/* ---- what is shown ---- */

/* Takes over the profiles. Returns 0 or -errno. */
static int recording_of(struct lsp_profiles *p, struct lsp_recording *ret)
{
	struct lsp_profile *parts[LSP_PART_COUNT] = {
		[LSP_PART_BLOCK] = p->block, [LSP_PART_MUTEX] = p->mutex, [LSP_PART_EXT] = p->ext,
	};
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < LSP_PART_COUNT; i++) {
		if (!err)
			err = lsp_recording_add(ret, (enum lsp_part)i, parts[i]);
		else
			lsp_profile_destroy(parts[i]);
	}
	if (err)
		lsp_recording_uninit(ret);
	return err;
}

static int look(struct viewing *v)
{
	const struct lsp_profiles_facts facts = { .rates = v->options->what.rates, .session = "top" };
	uint64_t now = lsp_clock_ns(CLOCK_MONOTONIC), events, lost;
	struct lsp_recording recording;
	struct lsp_profiles profiles;
	struct lsp_top_look new;
	int err;

	err = lsp_profiles_create(v->recorder.collector, &facts, &profiles);
	if (!err)
		err = recording_of(&profiles, &recording);
	if (!err)
		err = lsp_top_look_create(&recording, &v->before, (double)(now - v->look_ns + 1) / 1e9, &new);
	if (err)
		return err;
	lsp_progress_events(&v->recorder, &events, &lost);
	new.lost = (double)lost;
	new.begun_s = (double)(now - v->recorder.start_ns) / 1e9;
	lsp_top_look_sort(&new, v->screen.sort);
	lsp_top_look_destroy(&v->look);
	v->look = new;
	v->look_ns = now;
	v->looks++;
	return 0;
}

static void show(struct viewing *v)
{
	struct lsp_top_lines lines;

	if (v->terminal)
		lsp_terminal_size(v->terminal, &v->screen);
	if (lsp_top_screen_lines(&v->screen, &v->look, &lines))
		return;
	if (v->terminal) {
		lsp_terminal_show(v->terminal, &lines);
	} else {
		for (size_t i = 0; i < lines.n; i++)
			printf("%s\n", lines.lines[i].text);
		putchar('\n');
		if (fflush(stdout)) {
			lsp_say("cannot write: %s", lsp_say_errno(errno));
			v->failed = true;
		}
	}
	lsp_top_lines_destroy(&lines);
}

static void look_and_show(struct viewing *v)
{
	int err = look(v);

	if (err) {
		lsp_say("cannot look: %s", lsp_say_errno(-err));
		v->failed = true;
		return;
	}
	show(v);
	v->quit |= v->options->count && v->looks >= v->options->count;
}

/* ---- sessions ---- */

static bool session_begin(struct viewing *v)
{
	int err = lsp_recorder_start(&v->recorder);

	/* The last process may end between two sessions: that is the end, not a failure. */
	v->over = err == -ESRCH && v->recorder.again && lsp_recorder_gone(&v->recorder);
	if (err && !v->over)
		lsp_say_client(v->recorder.client, "start the recording", err);
	v->ended = err != 0;
	v->look_ns = v->recorder.start_ns;
	return !err || v->over;
}

static void losses_find(const struct viewing *v, struct lsp_losses *ret)
{
	const struct lsp_recorder *r = &v->recorder;

	lsp_losses_find(&(struct lsp_losses_source){
		.collector = r->collector, .foreign_pids = r->foreign_pids, .end = lsp_client_end(r->client),
		.faults = lsp_client_faults(r->client),
		.no_stacks = r->request.stack_mode == LOCKSPAN_STACK_NONE }, ret);
}

/* Ends the session, and resolves what is left. Afterwards the recording can be written. */
static void session_end(struct viewing *v)
{
	struct lsp_client *client = v->recorder.client;
	struct lsp_losses losses;
	int err = 0;

	if (v->ended)
		return;
	v->ended = true;
	if (!lsp_client_end(client))
		err = lsp_client_stop(client);
	if (!err)
		err = lsp_client_drain(client, DRAIN_SILENCE_MS);
	if (err)
		lsp_say_client(client, "end the recording", err);
	v->failed |= err != 0;
	err = lsp_collector_finish(v->recorder.collector);
	if (err)
		lsp_say("resolving stacks: %s", lsp_say_errno(-err));
	v->failed |= err != 0;
	losses_find(v, &losses);
	v->partial |= !lsp_record_losses_say(&losses);
}

static bool session_renew(struct viewing *v)
{
	if (v->failed || !lsp_recorder_renew(&v->recorder, &collector_options) || !session_begin(v)) {
		v->failed = true;
		return false;
	}
	lsp_top_before_uninit(&v->before);
	return true;
}

/* Writes the recording so far, and goes on with a new one. */
static void recording_write(struct viewing *v)
{
	struct lsp_record_options *o = &v->options->what;
	const struct lsp_recorder *r = &v->recorder;
	struct lsp_profiles_summary summary;
	struct lsp_losses losses;
	struct lsp_folder folder;
	bool written = false;

	session_end(v);
	losses_find(v, &losses);
	lsp_profiles_summary(r->collector, &summary);
	if (lsp_record_folder_begin(&folder, o)) {
		const struct lsp_client_report *end = lsp_client_end(r->client);

		o->unfinished = folder.unfinished;
		written = lsp_record_files_write(o, &(struct lsp_record_result){
			.pid_commands = r->pid_commands, .wall_ns = r->wall_ns, .start_ns = r->start_ns,
			.stop_ns = end && end->stop_ns ? end->stop_ns : lsp_clock_ns(CLOCK_MONOTONIC),
			.stack_mode = r->request.stack_mode, .exit_status = -1, .end = end,
			.faults = lsp_client_faults(r->client), .collector = r->collector,
			.summary = &summary, .losses = &losses });
		written = lsp_record_folder_end(&folder, written);
		lsp_folder_uninit(&folder);
	}
	snprintf(v->screen.message, sizeof(v->screen.message), "%s %s%s", written ? "written to" : "could not be written to",
		 o->directory, v->over ? "" : "; the sums begin anew");
	v->failed |= !written;
	if (!v->over && !v->failed)
		session_renew(v);
}

/* ---- the view ---- */

static void keys_take(struct viewing *v)
{
	bool any = true, changed = false;

	while (v->terminal && !v->quit) {
		enum lsp_top_key key = lsp_terminal_key(v->terminal, &any);

		if (!any)
			break;
		changed = true;
		v->quit |= key == LSP_TOP_KEY_QUIT || lsp_top_screen_key(&v->screen, &v->look, key);
		if (key == LSP_TOP_KEY_WRITE)
			recording_write(v);
	}
	if (changed)
		show(v);
}

static void tick(struct viewing *v)
{
	struct lsp_collector_totals t;

	lsp_recorder_tick(&v->recorder);
	if (v->screen.frozen)
		v->look_ns = lsp_clock_ns(CLOCK_MONOTONIC);
	else
		look_and_show(v);
	lsp_collector_totals(v->recorder.collector, &t);
	if (v->failed || (t.rows <= v->options->rows_max && t.traces <= v->options->rows_max))
		return;
	session_end(v);
	if (session_renew(v))
		snprintf(v->screen.message, sizeof(v->screen.message), "more than %zu different sums: they begin anew",
			 v->options->rows_max);
}

static void follow(struct viewing *v)
{
	struct pollfd fds[LSP_RECORDER_FDS + 1];
	uint64_t tick_ns = v->recorder.start_ns + v->options->interval_ns;
	nfds_t nfds;
	int n;

	while (!v->quit && !v->over && !v->failed && !v->recorder.interrupted && !lsp_recorder_gone(&v->recorder)) {
		if (lsp_clock_ns(CLOCK_MONOTONIC) >= tick_ns) {
			tick(v);
			tick_ns = lsp_clock_ns(CLOCK_MONOTONIC) + v->options->interval_ns;
			continue;
		}
		n = lsp_client_read(v->recorder.client, READ_MAX);
		if (n < 0 || lsp_client_end(v->recorder.client)) {
			lsp_say(n < 0 ? "reading from the module: %s" :
				"the module ended the recording by itself%s; see dmesg", n < 0 ? lsp_say_errno(-n) : "");
			v->failed = true;
			return;
		}
		lsp_recorder_deepen(&v->recorder);
		if (n < READ_MAX) {
			nfds = lsp_recorder_fds(&v->recorder, fds);
			if (v->terminal)
				fds[nfds++] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
			poll(fds, nfds, lsp_clock_ms_until(tick_ns));
		}
		keys_take(v);
		lsp_recorder_signals_read(&v->recorder);
	}
}

/* The last look stays until somebody leaves it. */
static void linger(struct viewing *v)
{
	struct pollfd fds[2] = {
		{ .fd = v->recorder.signals, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN },
	};

	while (v->terminal && !v->quit && !v->failed && !v->recorder.interrupted) {
		poll(fds, 2, -1);
		if (fds[1].revents & (POLLHUP | POLLERR))
			return;
		keys_take(v);
		lsp_recorder_signals_read(&v->recorder);
	}
}

static void view(struct viewing *v)
{
	follow(v);
	v->over |= !v->failed && lsp_recorder_gone(&v->recorder);
	session_end(v);
	if (v->failed || v->quit)
		return;
	/* Roles and parked locks are known only now. The last look is at the whole session. */
	lsp_top_before_uninit(&v->before);
	v->look_ns = v->recorder.start_ns;
	look_and_show(v);
	if (!v->over)
		return;
	snprintf(v->screen.message, sizeof(v->screen.message), "what was recorded has ended; w writes the recording, q quits");
	if (v->terminal)
		show(v);
	linger(v);
}

/* ---- beginning ---- */

/* Puts @fd in the place of one of our descriptors. Returns a copy of that, for restore(). */
static int replace(int which, int fd)
{
	int kept = fcntl(which, F_DUPFD_CLOEXEC, 3);

	if (kept >= 0)
		dup2(fd, which);
	return kept;
}

static void restore(int which, int kept)
{
	if (kept < 0)
		return;
	dup2(kept, which);
	close(kept);
}

/* The screen and the keys are ours, so the command prints elsewhere and reads nothing. Returns 0 or -errno. */
static int command_create(struct viewing *v)
{
	const struct lsp_top_options *o = v->options;
	const char *path = o->command_output ? o->command_output : "/dev/null";
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int from = o->batch ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC), in, out, error, err;

	if (to < 0) {
		err = -errno;
		lsp_say("cannot write %s: %s", path, lsp_say_errno(-err));
		return err;
	}
	in = from < 0 ? -1 : replace(STDIN_FILENO, from);
	out = replace(STDOUT_FILENO, to);
	error = o->batch ? -1 : replace(STDERR_FILENO, to);
	err = lsp_child_create(&v->recorder.child, o->what.command, &v->recorder.old_mask);
	restore(STDIN_FILENO, in);
	restore(STDOUT_FILENO, out);
	restore(STDERR_FILENO, error);
	if (from >= 0)
		close(from);
	close(to);
	if (err)
		lsp_say("cannot run %s: %s", o->what.command[0], lsp_say_errno(-err));
	return err;
}

static bool begin(struct viewing *v)
{
	const struct lsp_record_options *o = &v->options->what;
	int err;

	if (!lsp_recorder_prepare(&v->recorder))
		return false;
	v->recorder.request.why = o->rates.block_rate_ns == 1 && o->rates.mutex_fraction == 1;
	if (!lsp_recorder_collector_begin(&v->recorder, &collector_options))
		return false;
	err = lsp_client_connect(v->recorder.client);
	if (err) {
		lsp_say_client(v->recorder.client, "record", err);
		return false;
	}
	if (!lsp_recorder_signals(&v->recorder)) {
		lsp_say("cannot take signals: %s", lsp_say_errno(errno));
		return false;
	}
	if ((o->command && command_create(v)) || !session_begin(v))
		return false;
	err = o->command ? lsp_child_release(&v->recorder.child) : 0;
	if (err)
		lsp_say("cannot run %s: %s", o->command[0], lsp_say_errno(-err));
	return !err;
}

int lsp_cmd_top(int argc, char **argv)
{
	struct lsp_top_options options;
	struct viewing v = { .options = &options, .said = -1, .error = -1 };

	lsp_top_options_parse(&options, argc, argv);
	lsp_recorder_init(&v.recorder, &options.what);
	options.batch |= !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
	v.screen.sort = options.sort;
	v.failed = !begin(&v);
	if (!v.failed) {
		if (!options.batch && !lsp_terminal_create(stdout, stdin, &v.terminal))
			said_keep(&v);
		v.screen.keys = v.terminal;
		view(&v);
		lsp_terminal_destroy(v.terminal);
		said_give(&v);
		lsp_recorder_signal_pass_on(&v.recorder);
	}
	lsp_top_look_destroy(&v.look);
	lsp_top_before_uninit(&v.before);
	lsp_top_screen_uninit(&v.screen);
	lsp_recorder_uninit(&v.recorder);
	return v.failed ? LSP_EXIT_OTHER_FAILED : v.partial ? LSP_EXIT_OTHER_PARTIAL : 0;
}
