/* SPDX-License-Identifier: GPL-2.0-only */
/* A command that is started in two steps: a process first, the program when told. */
#ifndef LSP_CMD_CHILD_H
#define LSP_CMD_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct lsp_child {
	pid_t pid;
	int pidfd;	/* readable once it has ended */
	int gate;	/* write end; the child waits for a byte */
	int failure;	/* read end; an errno when the program could not be run */
	bool ended;
	int status;	/* as from waitpid() */
};

/*
 * Before any other: a file that grows beyond its limit (ulimit -f) is an error to us, not the end.
 * Commands get their signals as we did.
 */
void lsp_child_signals(void);

/*
 * Blocks all signals whose default is to end us, SIGHUP excepted where it was ignored when we were started
 * (nohup). A signalfd for them, or -errno; @old gets the mask for a command. SIGPIPE is an error from now on.
 */
int lsp_child_signals_open(sigset_t *old);

/*
 * Forks; the child waits and then runs @argv with signal mask @mask. It ends
 * by itself if we do before that. 0 or -errno.
 */
int lsp_child_create(struct lsp_child *c, char **argv, const sigset_t *mask);

/* Lets it run its program. 0, or the -errno with which that failed; then it has ended. */
int lsp_child_release(struct lsp_child *c);

/* Whether it has ended; takes its status. @wait: not before it has. */
bool lsp_child_poll(struct lsp_child *c, bool wait);

/*
 * Reads what has come at @signals, a signalfd. What another process has sent to us is passed on to the
 * command; what the terminal sends has reached it. Whether a signal came that ends a recording: any such
 * one with @terminal, else only one that was passed on. Those that programs have a use of their own for end none.
 */
bool lsp_child_signals_take(struct lsp_child *c, int signals, bool terminal);

/*
 * Waits for its end, or for one more signal that ends a recording; says that it is no longer waited for.
 * @signalled: there was one before; if the command goes on in spite of it, that is said.
 * @recording: how it is with the recording, for these words ("is written").
 */
void lsp_child_await(struct lsp_child *c, int signals, const char *recording, bool signalled);

/* Its exit status, or 128 + n for signal n. */
int lsp_child_exit_status(const struct lsp_child *c);

/* Ends a child that was not released; leaves a running one alone. */
void lsp_child_uninit(struct lsp_child *c);

#endif
