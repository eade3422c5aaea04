// SPDX-License-Identifier: GPL-2.0-only
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/pidspace.h"
#include "../capture/streamfile.h"
#include "say.h"

/* How many stacks are asked for again at one time. */
#define RESEND_MAX 64
#define DEEPEN_MAX 16

uint64_t lsp_clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int lsp_clock_ms_until(uint64_t until_ns)
{
	uint64_t now = lsp_clock_ns(CLOCK_MONOTONIC);

	if (until_ns <= now)
		return 0;
	return until_ns - now > 3600000000000ULL ? 3600000 : (int)((until_ns - now) / 1000000 + 1);
}

void lsp_recorder_init(struct lsp_recorder *r, const struct lsp_record_options *options)
{
	*r = (struct lsp_recorder){
		.options = options, .signals = -1,
		.child = { .pidfd = -1, .gate = -1, .failure = -1 },
	};
	for (size_t i = 0; i < LSP_RECORD_PIDS; i++)
		r->pidfds[i] = -1;
}

void lsp_recorder_uninit(struct lsp_recorder *r)
{
	lsp_child_uninit(&r->child);
	lsp_client_destroy(r->client);
	for (size_t i = 0; i < LSP_RECORD_PIDS; i++) {
		if (r->pidfds[i] >= 0)
			close(r->pidfds[i]);
		free(r->pid_commands[i]);
	}
	if (r->signals >= 0)
		close(r->signals);
	if (r->stream)
		fclose(r->stream);
	lsp_collector_destroy(r->collector);
}

/* ---- what the module sends, and what it is sent ---- */

int lsp_recorder_feed(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	struct lsp_recorder *r = arg;

	if (r->stream && lsp_streamfile_add_data(r->stream, cpu, seq, run, bytes))
		return -EIO;
	return lsp_collector_feed(r->collector, cpu, seq, run, bytes);
}

/* This does not wait for an answer: a module that does not take the rules goes on copying. */
static void rules_teach(void *arg, uint32_t generation, const struct lockspan_rule *rules, size_t n)
{
	struct lsp_recorder *r = arg;

	lsp_client_teach(r->client, generation, rules, n);
}

bool lsp_recorder_collector_begin(struct lsp_recorder *r, const struct lsp_collector_options *options)
{
	const struct lsp_record_options *o = r->options;
	struct lsp_collector_options all = *options;
	int err;

	all.resolver.debuginfod = o->debuginfod;
	all.resolver.all_frames = o->all_frames;
	all.resolver.warn = lsp_say_warning;
	all.resolver.foreign_pids = r->foreign_pids;
	all.resolver.begun_ns = o->replay ? 0 : lsp_clock_ns(CLOCK_REALTIME);
	all.live = !o->replay;
	all.teach = o->replay ? NULL : rules_teach;
	all.teach_arg = r;
	err = lsp_collector_create(&all, &r->collector);
	if (err)
		lsp_say("cannot begin: %s", lsp_say_errno(-err));
	return !err;
}

static int client_renew(struct lsp_recorder *r)
{
	lsp_client_destroy(r->client);
	r->client = NULL;
	return lsp_client_create(lsp_recorder_feed, r, &r->client);
}

/* ---- what is recorded ---- */

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

/* Reads the words of its command line; NULL: it has none. */
static char *command_of(uint32_t pid)
{
	char path[32], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	while (n > 0 && !text[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	return n > 0 ? strndup(text, (size_t)n) : NULL;
}

static bool processes_watch(struct lsp_recorder *r)
{
	const struct lsp_record_options *o = r->options;

	for (size_t i = 0; i < o->npids; i++) {
		r->pidfds[i] = (int)syscall(SYS_pidfd_open, o->pids[i], 0);
		if (r->pidfds[i] < 0) {
			lsp_say("process %u: %s", o->pids[i], errno == EINVAL ?
				"this is a thread, give its process" : lsp_say_errno(errno));
			return false;
		}
		r->pid_commands[i] = command_of(o->pids[i]);
	}
	return true;
}

bool lsp_recorder_prepare(struct lsp_recorder *r)
{
	const struct lsp_record_options *o = r->options;
	int err;

	if (o->cgroup) {
		err = cgroup_find(o->cgroup, &r->request.cgroup);
		if (err) {
			lsp_say("control group %s: %s", o->cgroup, lsp_say_errno(-err));
			return false;
		}
	}
	if (!processes_watch(r))
		return false;
	r->foreign_pids = !o->replay && lsp_pidspace_is_foreign("/proc");
	err = client_renew(r);
	if (err)
		lsp_say("cannot begin: %s", lsp_say_errno(-err));
	return !err;
}

bool lsp_recorder_signals(struct lsp_recorder *r)
{
	int fd = lsp_child_signals_open(&r->old_mask);

	if (fd >= 0)
		r->signals = fd;
	else
		errno = -fd;
	return fd >= 0;
}

static size_t processes_name(const struct lsp_recorder *r, uint32_t *tgids)
{
	const struct lsp_record_options *o = r->options;
	size_t n = 0, kept = 0;

	memcpy(tgids, o->pids, o->npids * sizeof(tgids[0]));
	n = o->npids;
	if (o->command && !o->all)
		tgids[n++] = (uint32_t)r->child.pid;
	for (size_t i = 0; i < r->nalso && n <= LSP_RECORD_PIDS; i++)
		tgids[n++] = r->also[i];
	for (size_t i = 0; i < n; i++)
		if (!r->again || !kill((pid_t)tgids[i], 0) || errno != ESRCH)
			tgids[kept++] = tgids[i];
	/* All processes are gone. The module will say so. */
	return kept ? kept : n;
}

int lsp_recorder_start(struct lsp_recorder *r)
{
	const struct lsp_record_options *o = r->options;
	uint32_t tgids[LSP_RECORD_PIDS + 1];
	struct lsp_client_options *q = &r->request;
	int tries = r->again ? 4 : 1, err;

	q->tgids = tgids;
	q->rates = o->rates;
	q->stack_mode = o->stack_mode;
	q->ring_bytes = o->ring_bytes;
	/* Another process may end between this look and START. */
	do {
		q->ntgids = processes_name(r, tgids);
		q->flags = o->all ? LOCKSPAN_F_ALL : q->ntgids ? LOCKSPAN_F_CHILDREN : 0;
		err = lsp_client_start(r->client, q);
	} while (err == -ESRCH && --tries);
	if (err == -EOPNOTSUPP && o->stack_auto) {
		q->stack_mode = LOCKSPAN_STACK_RAW;
		err = lsp_client_start(r->client, q);
	}
	q->tgids = NULL;
	r->wall_ns = (int64_t)lsp_clock_ns(CLOCK_REALTIME);
	r->start_ns = lsp_clock_ns(CLOCK_MONOTONIC);
	return err;
}

/* The processes that have waited. So what was forked since START belongs to the next session, too. */
static int process_note(void *arg, const struct lsp_row *row)
{
	struct lsp_recorder *r = arg;

	if (row->kind != LSP_ROW_BLOCK || r->nalso == LSP_RECORD_PIDS ||
	    (kill((pid_t)row->tgid, 0) && errno == ESRCH))
		return 0;
	for (size_t i = 0; i < r->options->npids; i++)
		if (r->options->pids[i] == row->tgid)
			return 0;
	for (size_t i = 0; i < r->nalso; i++)
		if (r->also[i] == row->tgid)
			return 0;
	if ((uint32_t)r->child.pid != row->tgid)
		r->also[r->nalso++] = row->tgid;
	return 0;
}

bool lsp_recorder_renew(struct lsp_recorder *r, const struct lsp_collector_options *options)
{
	int err;

	r->again = true;
	r->nalso = 0;
	if (!r->options->all && !r->options->cgroup)
		lsp_collector_rows(r->collector, process_note, r);
	lsp_collector_destroy(r->collector);
	r->collector = NULL;
	err = client_renew(r);
	if (!err)
		err = lsp_client_connect(r->client);
	if (err)
		lsp_say_client(r->client, "go on", err);
	return !err && lsp_recorder_collector_begin(r, options);
}

void lsp_recorder_signals_read(struct lsp_recorder *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		r->interrupted = true;
		if (info.ssi_code <= 0)
			r->pass_on = (int)info.ssi_signo;
	}
}

/*
 * To be called when the recording has ended, so that a program that hangs is recorded as it hangs.
 */
void lsp_recorder_signal_pass_on(struct lsp_recorder *r)
{
	if (r->pass_on && r->child.pid > 0 && !lsp_child_poll(&r->child, false))
		kill(r->child.pid, r->pass_on);
	r->pass_on = 0;
}

void lsp_recorder_deepen(struct lsp_recorder *r)
{
	uint32_t tgids[DEEPEN_MAX];
	size_t n = lsp_collector_deep(r->collector, tgids, DEEPEN_MAX);

	for (size_t i = 0; i < n; i++)
		lsp_client_deepen(r->client, tgids[i]);
}

void lsp_recorder_tick(struct lsp_recorder *r)
{
	uint64_t ids[RESEND_MAX];
	size_t n;

	lsp_collector_tick(r->collector);
	lsp_recorder_deepen(r);
	n = lsp_collector_stacks_missing(r->collector, lsp_clock_ns(CLOCK_MONOTONIC), ids, RESEND_MAX);
	for (size_t i = 0; i < n; i++)
		lsp_client_resend(r->client, ids[i]);
}

bool lsp_recorder_gone(struct lsp_recorder *r)
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

nfds_t lsp_recorder_fds(struct lsp_recorder *r, struct pollfd *fds)
{
	nfds_t n = 0;

	fds[n++] = (struct pollfd){ .fd = lsp_client_fd(r->client), .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
	if (r->options->command)
		fds[n++] = (struct pollfd){ .fd = r->child.pidfd, .events = POLLIN };
	else
		/*
		 * The descriptor of an ended process stays readable, so one that lives is polled.
		 */
		for (size_t i = 0; i < r->options->npids; i++) {
			struct pollfd p = { .fd = r->pidfds[i], .events = POLLIN };

			if (!poll(&p, 1, 0))
				fds[n++] = p;
		}
	return n;
}
