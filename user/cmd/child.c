// SPDX-License-Identifier: GPL-2.0-only
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

/* A command that a signal ends has ended by then in most cases. */
#define PATIENCE_MS 1000

/* Signals that some part of lockspan treats differently from how they were when we were started. */
static struct {
	int signal;
	sighandler_t told;
} inherited[] = {
	{ SIGXFSZ, SIG_DFL }, { SIGPIPE, SIG_DFL }, { SIGCHLD, SIG_DFL },
};

#define INHERITED (sizeof(inherited) / sizeof(inherited[0]))

void lsp_child_signals(void)
{
	struct sigaction was;

	for (size_t i = 0; i < INHERITED; i++)
		if (!sigaction(inherited[i].signal, NULL, &was))
			inherited[i].told = was.sa_handler;
	signal(SIGXFSZ, SIG_IGN);
}

int lsp_child_signals_open(sigset_t *old)
{
	static const int ending[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO,
		SIGPWR, SIGSTKFLT,
	};
	struct sigaction was;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaddset(&set, ending[i]);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		sigaddset(&set, i);
	/* A blocked signal arrives even if it is ignored. */
	if (!sigaction(SIGHUP, NULL, &was) && was.sa_handler == SIG_IGN)
		sigdelset(&set, SIGHUP);
	/* If SIGCHLD stayed ignored, the command's status would be lost. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, old))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Signals by which users ask programs for something. */
static bool is_request(int signal)
{
	return signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGQUIT || signal >= SIGRTMIN;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static ssize_t read_whole(int fd, void *to, size_t bytes)
{
	ssize_t n;

	do {
		n = read(fd, to, bytes);
	} while (n < 0 && errno == EINTR);
	return n;
}

static void __attribute__((noreturn))
program_run(int gate, int failure, char **argv, const sigset_t *mask)
{
	char go;
	int err;

	/* The pipe is closed without a byte if the parent has given up or died. */
	if (read_whole(gate, &go, 1) != 1)
		_exit(1);
	for (size_t i = 0; i < INHERITED; i++)
		signal(inherited[i].signal, inherited[i].told);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	err = errno;
	/* If the parent is gone, nobody needs the reason. */
	(void)!write(failure, &err, sizeof(err));
	_exit(err == ENOENT ? 127 : 126);
}

int lsp_child_create(struct lsp_child *c, char **argv, const sigset_t *mask)
{
	int gate[2], failure[2], err;

	*c = (struct lsp_child){ .pidfd = -1, .gate = -1, .failure = -1 };
	if (pipe2(gate, O_CLOEXEC))
		return -errno;
	if (pipe2(failure, O_CLOEXEC)) {
		err = -errno;
		goto err_gate;
	}
	c->pid = fork();
	if (c->pid < 0) {
		err = -errno;
		goto err_failure;
	}
	if (!c->pid) {
		close(gate[1]);
		close(failure[0]);
		program_run(gate[0], failure[1], argv, mask);
	}
	close(gate[0]);
	close(failure[1]);
	c->gate = gate[1];
	c->failure = failure[0];
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0) {
		err = -errno;
		lsp_child_uninit(c);
		return err;
	}
	return 0;

err_failure:
	close(failure[0]);
	close(failure[1]);
err_gate:
	close(gate[0]);
	close(gate[1]);
	return err;
}

int lsp_child_release(struct lsp_child *c)
{
	ssize_t n;
	int err = 0;

	n = write(c->gate, "", 1);
	if (n != 1)
		return -EPIPE;
	fd_close(&c->gate);
	/* Exec closes this pipe. If exec fails, the reason comes through it. */
	n = read_whole(c->failure, &err, sizeof(err));
	fd_close(&c->failure);
	if (n != sizeof(err))
		return 0;
	lsp_child_poll(c, true);
	return -err;
}

bool lsp_child_poll(struct lsp_child *c, bool wait)
{
	pid_t pid;

	while (!c->ended) {
		pid = waitpid(c->pid, &c->status, wait ? 0 : WNOHANG);
		if (pid < 0 && errno == EINTR)
			continue;
		if (!pid)
			break;
		/*
		 * Somebody else has reaped the child. So there is no status, but the child has
		 * ended.
		 */
		if (pid < 0)
			c->status = 0;
		c->ended = true;
	}
	return c->ended;
}

bool lsp_child_signals_take(struct lsp_child *c, int signals, bool terminal)
{
	struct signalfd_siginfo info;
	bool ends = false;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		int signal = (int)info.ssi_signo;
		bool sent = info.ssi_code <= 0;

		if (sent && !lsp_child_poll(c, false))
			kill(c->pid, signal);
		ends |= (sent || terminal) && !is_request(signal);
	}
	return ends;
}

void lsp_child_await(struct lsp_child *c, int signals, const char *recording, bool signalled)
{
	bool ended = false;

	while (!ended && !lsp_child_poll(c, false)) {
		struct pollfd fds[2] = {
			{ .fd = c->pidfd, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		if (!poll(fds, 2, signalled ? PATIENCE_MS : -1)) {
			lsp_say("the recording %s; waiting for the command (process %d), which goes on in spite of the "
				"signal; a second one ends the waiting", recording, (int)c->pid);
			signalled = false;
		}
		ended = lsp_child_signals_take(c, signals, true);
	}
	if (!lsp_child_poll(c, false))
		lsp_say("the command (process %d) goes on; it is no longer waited for", (int)c->pid);
}

int lsp_child_exit_status(const struct lsp_child *c)
{
	return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}

void lsp_child_uninit(struct lsp_child *c)
{
	bool held = c->gate >= 0;

	fd_close(&c->gate);
	fd_close(&c->failure);
	if (held)
		lsp_child_poll(c, true);
	fd_close(&c->pidfd);
}
