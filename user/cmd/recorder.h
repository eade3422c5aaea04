/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session with the module, as a command sees it: what is observed, the command that is started
 * for it, the collector of what comes, the signals that end it. record and serve use it. It prints
 * on standard error what fails. The clock that commands read is declared here, too.
 */
#ifndef LSP_CMD_RECORDER_H
#define LSP_CMD_RECORDER_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "../capture/client.h"
#include "../collect/collector.h"
#include "child.h"
#include "record_options.h"

struct lsp_recorder {
	const struct lsp_record_options *options;
	struct lsp_client *client;
	struct lsp_client_options request;	/* stack_mode is the one that the module agreed to */
	struct lsp_collector *collector;
	FILE *stream;			/* copies the module's messages; NULL: not asked for */
	struct lsp_child child;
	uint32_t also[LSP_RECORD_PIDS];	/* processes that were not asked for: children of those that were */
	size_t nalso;
	bool again;			/* a later START: leave out processes that have ended since */
	sigset_t old_mask;
	int signals;			/* signalfd */
	int pidfds[LSP_RECORD_PIDS];
	char *pid_commands[LSP_RECORD_PIDS];	/* malloc'ed */
	bool foreign_pids;		/* the module's process numbers are not those of /proc */
	int64_t wall_ns;		/* of START */
	uint64_t start_ns;
	bool interrupted;
	int pass_on;			/* signal that must still be passed on to the command, 0: none */
};

void lsp_recorder_init(struct lsp_recorder *r, const struct lsp_record_options *options);
void lsp_recorder_uninit(struct lsp_recorder *r);

/* Finds what is to be observed, and makes a client that gives each message to the collector. */
bool lsp_recorder_prepare(struct lsp_recorder *r);

/*
 * Makes the collector with @options, and with what every collector has from the recorder: whose
 * files are looked at, who gets warnings, who is taught rules. An earlier collector must have been
 * destroyed.
 */
bool lsp_recorder_collector_begin(struct lsp_recorder *r, const struct lsp_collector_options *options);

/* Gives one message of the module to the collector of the recorder @arg; a lsp_client_data_fn. */
int lsp_recorder_feed(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes);

/* Begins to take the signals that end a recording. */
bool lsp_recorder_signals(struct lsp_recorder *r);

/* Sends START, and prepares the command that waits. Returns 0 or -errno, and says nothing. */
int lsp_recorder_start(struct lsp_recorder *r);

/*
 * To be called when a session has ended: makes a client and a collector with @options for another session, which
 * lsp_recorder_start() begins. It observes the same processes, and those of their children that have waited. Says
 * what fails.
 */
bool lsp_recorder_renew(struct lsp_recorder *r, const struct lsp_collector_options *options);

/*
 * Notes the signals that have come. The first one ends the recording. One that was sent to us alone
 * must be passed on.
 */
void lsp_recorder_signals_read(struct lsp_recorder *r);
void lsp_recorder_signal_pass_on(struct lsp_recorder *r);

/*
 * To be called after records came: asks for more of the stacks of processes that need it. This is
 * cheap if there are none.
 */
void lsp_recorder_deepen(struct lsp_recorder *r);

/*
 * To be called once a second: resolves what can be resolved, and asks again for stacks that did not
 * come.
 */
void lsp_recorder_tick(struct lsp_recorder *r);

/* Whether nobody is left who could be recorded. */
bool lsp_recorder_gone(struct lsp_recorder *r);

#define LSP_RECORDER_FDS (LSP_RECORD_PIDS + 3)

/* Writes the descriptors to poll until there is something to do. Returns their number. */
nfds_t lsp_recorder_fds(struct lsp_recorder *r, struct pollfd *fds);

uint64_t lsp_clock_ns(clockid_t clock);

/* Returns the milliseconds from now to a moment of CLOCK_MONOTONIC, rounded up, for poll(). */
int lsp_clock_ms_until(uint64_t until_ns);

#endif
