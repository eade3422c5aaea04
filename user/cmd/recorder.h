/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session with the module as a command sees it: what is observed, the command
 * that is started for it, the collector of what comes, the signals that end it.
 * record and serve use it. Prints on standard error what fails.
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
	struct lsp_client_options request;	/* stack_mode: that the module agreed to */
	struct lsp_collector *collector;
	FILE *stream;			/* keeps what the module sends; NULL: not asked for */
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

void lsp_recorder_init(struct lsp_recorder *r, const struct lsp_record_options *options);
void lsp_recorder_uninit(struct lsp_recorder *r);

/* Finds what is to be observed, and makes a client that feeds the collector with each message. */
bool lsp_recorder_prepare(struct lsp_recorder *r);

/* Another client, for a session after one that has ended. 0 or -errno, nothing said. */
int lsp_recorder_client_renew(struct lsp_recorder *r);

/*
 * Makes the collector, of @options but for what all of them have from the recorder: whose files are
 * looked at, who hears warnings, who is taught rules. One that there was must have been destroyed.
 */
bool lsp_recorder_collector_begin(struct lsp_recorder *r, const struct lsp_collector_options *options);

/* One message of the module's, for the collector of the recorder @arg; as lsp_client_data_fn. */
int lsp_recorder_feed(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes);

/* Takes the signals that end a recording. */
bool lsp_recorder_signals(struct lsp_recorder *r);

/* START, the waiting command included. 0 or -errno, nothing said. */
int lsp_recorder_start(struct lsp_recorder *r);

/* Notes the signals that have come: the first ends it, one sent to us alone is to be passed on. */
void lsp_recorder_signals_read(struct lsp_recorder *r);
void lsp_recorder_signal_pass_on(struct lsp_recorder *r);

/* After records came: asks for more of the stacks of processes that need it. Cheap when none does. */
void lsp_recorder_deepen(struct lsp_recorder *r);

/* To be done once a second: resolves what can be, asks again for stacks that did not come. */
void lsp_recorder_tick(struct lsp_recorder *r);

/* Whether there is nobody left that could be recorded. */
bool lsp_recorder_gone(struct lsp_recorder *r);

#define LSP_RECORDER_FDS (LSP_RECORD_PIDS + 3)

/* What to poll for until there is something to do; their number. */
nfds_t lsp_recorder_fds(struct lsp_recorder *r, struct pollfd *fds);

uint64_t lsp_clock_ns(clockid_t clock);

/* For poll(): milliseconds from now until a moment of CLOCK_MONOTONIC, rounded up. */
int lsp_clock_ms_until(uint64_t until_ns);

#endif
