/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command that is started in two steps: first its process, and its program when
 * lsp_child_release() says so.
 */
#ifndef LSP_CMD_CHILD_H
#define LSP_CMD_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct lsp_child {
	pid_t pid;
	int pidfd;	/* becomes readable when it has ended */
	int gate;	/* write end; the child waits for a byte */
	int failure;	/* read end; an errno when the program could not be run */
	bool ended;
	int status;	/* its status, as from waitpid() */
};

/*
 * To be called before any other. A file that grows beyond its limit (ulimit -f) becomes an error
 * instead of ending us. Commands get their signals as we did.
 */
void lsp_child_signals(void);

/*
 * Blocks all signals that would end us. SIGHUP is left out if it was ignored when we were started
 * (nohup). Returns a signalfd for them, or -errno. @old gets the signal mask for a command. From
 * now on SIGPIPE is an error.
 */
int lsp_child_signals_open(sigset_t *old);

/*
 * Forks. The child waits, and then runs @argv with the signal mask @mask. If we end before that,
 * the child ends, too. Returns 0 or -errno.
 */
int lsp_child_create(struct lsp_child *c, char **argv, const sigset_t *mask);

/*
 * Lets the child run its program. Returns 0, or the -errno with which that failed; then the child
 * has ended.
 */
int lsp_child_release(struct lsp_child *c);

/* Whether the child has ended. Takes its status. With @wait, waits until it has ended. */
bool lsp_child_poll(struct lsp_child *c, bool wait);

/*
 * Reads the signals that have come at @signals, a signalfd. A signal that another process has sent
 * to us is passed on to the command; one from the terminal has reached the command already. Returns
 * whether a signal came that ends a recording. With @terminal any such signal counts, otherwise
 * only one that was passed on. Signals that programs use for purposes of their own do not count.
 */
bool lsp_child_signals_take(struct lsp_child *c, int signals, bool terminal);

/*
 * Waits until the command ends, or until one more signal comes that ends a recording; then says
 * that it no longer waits. @signalled: there was such a signal before. If the command goes on in
 * spite of it, that is said. @recording says in what state the recording is ("is written"), for
 * this sentence.
 */
void lsp_child_await(struct lsp_child *c, int signals, const char *recording, bool signalled);

/* Returns its exit status, or 128 + n for signal n. */
int lsp_child_exit_status(const struct lsp_child *c);

/* Ends a child that was not released. A running command is left alone. */
void lsp_child_uninit(struct lsp_child *c);

#endif
