/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session with the module as a command sees it: what is observed, the command
 * that is started for it, the signals that end it. record and serve use it, and
 * handle the data themselves. Prints on standard error what fails.
 */
#ifndef LSP_CMD_SESSION_H
#define LSP_CMD_SESSION_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../capture/client.h"
#include "child.h"
#include "record.h"

struct lsp_session {
	const struct lsp_record_options *options;
	struct lsp_client *client;
	struct lsp_client_options request;	/* stack_mode: that the module agreed to */
	struct lsp_child child;
	uint32_t also[LSP_RECORD_PIDS];	/* processes to observe that were not asked for: children of others */
	size_t nalso;
	bool again;			/* not the first START: processes that have ended since are left out */
	sigset_t old_mask;
	int signals;			/* signalfd */
	int pidfds[LSP_RECORD_PIDS];
	char *pid_commands[LSP_RECORD_PIDS];	/* malloc'ed */
	bool foreign_pids;		/* the module's process numbers are not those of /proc */
	int64_t wall_ns;		/* of START */
	uint64_t start_ns;
	bool interrupted;
	int pass_on;			/* signal that the command is still to get, 0 none */
};

void lsp_session_init(struct lsp_session *s, const struct lsp_record_options *options);
void lsp_session_uninit(struct lsp_session *s);

/* Finds what is to be observed, and makes a client that calls @data with each message. */
bool lsp_session_prepare(struct lsp_session *s, lsp_client_data_fn data, void *arg);

/* Takes the signals that end a recording. */
bool lsp_session_signals(struct lsp_session *s);

/* START, the waiting command included. 0 or -errno, nothing said. */
int lsp_session_start(struct lsp_session *s);

/* Notes the signals that have come: the first ends it, one sent to us alone is to be passed on. */
void lsp_session_signals_read(struct lsp_session *s);
void lsp_session_signal_pass_on(struct lsp_session *s);

/* After records came: asks for more of the stacks of processes that need it. Cheap when none does. */
void lsp_session_deepen(struct lsp_session *s, struct lsp_collector *c);

/* To be done once a second: resolves what can be, asks again for stacks that did not come. */
void lsp_session_tick(struct lsp_session *s, struct lsp_collector *c);

/* Whether there is nobody left that could be recorded. */
bool lsp_session_gone(struct lsp_session *s);

#define LSP_SESSION_FDS (LSP_RECORD_PIDS + 3)

/* What to poll for until there is something to do; their number. */
nfds_t lsp_session_fds(struct lsp_session *s, struct pollfd *fds);

uint64_t lsp_clock_ns(clockid_t clock);

/* For poll(): milliseconds from now until a moment of CLOCK_MONOTONIC, rounded up. */
int lsp_clock_ms_until(uint64_t until_ns);

#endif
