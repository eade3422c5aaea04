// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

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
#include "say.h"

/* Stacks that are asked for again at one time. */
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

void lsp_session_init(struct lsp_session *s, const struct lsp_record_options *options)
{
	*s = (struct lsp_session){
		.options = options, .signals = -1,
		.child = { .pidfd = -1, .gate = -1, .failure = -1 },
	};
	for (size_t i = 0; i < LSP_RECORD_PIDS; i++)
		s->pidfds[i] = -1;
}

void lsp_session_uninit(struct lsp_session *s)
{
	lsp_child_uninit(&s->child);
	lsp_client_destroy(s->client);
	for (size_t i = 0; i < LSP_RECORD_PIDS; i++) {
		if (s->pidfds[i] >= 0)
			close(s->pidfds[i]);
		free(s->pid_commands[i]);
	}
	if (s->signals >= 0)
		close(s->signals);
}

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

/* The words of its command line; NULL: it has none. */
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

static bool processes_watch(struct lsp_session *s)
{
	const struct lsp_record_options *o = s->options;

	for (size_t i = 0; i < o->npids; i++) {
		s->pidfds[i] = (int)syscall(SYS_pidfd_open, o->pids[i], 0);
		if (s->pidfds[i] < 0) {
			lsp_say("process %u: %s", o->pids[i], errno == EINVAL ?
				"this is a thread, give its process" : strerror(errno));
			return false;
		}
		s->pid_commands[i] = command_of(o->pids[i]);
	}
	return true;
}

bool lsp_session_prepare(struct lsp_session *s, lsp_client_data_fn data, void *arg)
{
	const struct lsp_record_options *o = s->options;
	int err;

	if (o->cgroup) {
		err = cgroup_find(o->cgroup, &s->request.cgroup);
		if (err) {
			lsp_say("control group %s: %s", o->cgroup, strerror(-err));
			return false;
		}
	}
	if (!processes_watch(s))
		return false;
	s->foreign_pids = !o->replay && lsp_pidspace_is_foreign("/proc");
	err = lsp_client_create(data, arg, &s->client);
	if (err)
		lsp_say("cannot begin: %s", strerror(-err));
	return !err;
}

bool lsp_session_signals(struct lsp_session *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	/* Inherited as ignored it would lose the command's status. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, &s->old_mask))
		return false;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals >= 0;
}

static size_t processes_name(const struct lsp_session *s, uint32_t *tgids)
{
	const struct lsp_record_options *o = s->options;
	size_t n = 0, kept = 0;

	memcpy(tgids, o->pids, o->npids * sizeof(tgids[0]));
	n = o->npids;
	if (o->command && !o->all)
		tgids[n++] = (uint32_t)s->child.pid;
	for (size_t i = 0; i < s->nalso && n <= LSP_RECORD_PIDS; i++)
		tgids[n++] = s->also[i];
	for (size_t i = 0; i < n; i++)
		if (!s->again || !kill((pid_t)tgids[i], 0) || errno != ESRCH)
			tgids[kept++] = tgids[i];
	/* All gone: the module is to say so. */
	return kept ? kept : n;
}

int lsp_session_start(struct lsp_session *s)
{
	const struct lsp_record_options *o = s->options;
	uint32_t tgids[LSP_RECORD_PIDS + 1];
	struct lsp_client_options *q = &s->request;
	int tries = s->again ? 4 : 1, err;

	q->tgids = tgids;
	q->block_rate_ns = o->block_rate_ns;
	q->mutex_fraction = o->mutex_fraction;
	q->min_delay_ns = o->min_delay_ns;
	q->stack_mode = o->stack_mode;
	q->ring_bytes = o->ring_bytes;
	/* Another one may end between the look and START. */
	do {
		q->ntgids = processes_name(s, tgids);
		q->flags = o->all ? LOCKSPAN_F_ALL : q->ntgids ? LOCKSPAN_F_CHILDREN : 0;
		err = lsp_client_start(s->client, q);
	} while (err == -ESRCH && --tries);
	if (err == -EOPNOTSUPP && o->stack_auto) {
		q->stack_mode = LOCKSPAN_STACK_RAW;
		err = lsp_client_start(s->client, q);
	}
	q->tgids = NULL;
	s->wall_ns = (int64_t)lsp_clock_ns(CLOCK_REALTIME);
	s->start_ns = lsp_clock_ns(CLOCK_MONOTONIC);
	return err;
}

void lsp_session_signals_read(struct lsp_session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		s->interrupted = true;
		if (info.ssi_code <= 0)
			s->pass_on = (int)info.ssi_signo;
	}
}

/* To be called when the recording has ended: what hangs is to be recorded as it hangs. */
void lsp_session_signal_pass_on(struct lsp_session *s)
{
	if (s->pass_on && s->child.pid > 0 && !lsp_child_poll(&s->child, false))
		kill(s->child.pid, s->pass_on);
	s->pass_on = 0;
}

void lsp_session_deepen(struct lsp_session *s, struct lsp_collector *c)
{
	uint32_t tgids[DEEPEN_MAX];
	size_t n = lsp_collector_deep(c, tgids, DEEPEN_MAX);

	for (size_t i = 0; i < n; i++)
		lsp_client_deepen(s->client, tgids[i]);
}

void lsp_session_tick(struct lsp_session *s, struct lsp_collector *c)
{
	uint64_t ids[RESEND_MAX];
	size_t n;

	lsp_collector_tick(c);
	lsp_session_deepen(s, c);
	n = lsp_collector_missing(c, lsp_clock_ns(CLOCK_MONOTONIC), ids, RESEND_MAX);
	for (size_t i = 0; i < n; i++)
		lsp_client_resend(s->client, ids[i]);
}

bool lsp_session_gone(struct lsp_session *s)
{
	const struct lsp_record_options *o = s->options;
	struct pollfd fds[LSP_RECORD_PIDS];

	if (o->command)
		return lsp_child_poll(&s->child, false);
	if (o->all || o->cgroup)
		return false;
	for (size_t i = 0; i < o->npids; i++)
		fds[i] = (struct pollfd){ .fd = s->pidfds[i], .events = POLLIN };
	return poll(fds, o->npids, 0) == (int)o->npids;
}

nfds_t lsp_session_fds(struct lsp_session *s, struct pollfd *fds)
{
	nfds_t n = 0;

	fds[n++] = (struct pollfd){ .fd = lsp_client_fd(s->client), .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	if (s->options->command)
		fds[n++] = (struct pollfd){ .fd = s->child.pidfd, .events = POLLIN };
	else
		/* An ended process stays readable: watch one that lives. */
		for (size_t i = 0; i < s->options->npids; i++) {
			struct pollfd p = { .fd = s->pidfds[i], .events = POLLIN };

			if (!poll(&p, 1, 0))
				fds[n++] = p;
		}
	return n;
}
