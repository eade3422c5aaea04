/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one recording session: its owner, its life from START over draining to
 * END, and the worker that carries records from the rings to the owner.
 */
#ifndef _LSP_SESSION_H
#define _LSP_SESSION_H

#include <linux/types.h>

#include "probe.h"
#include "tables.h"
#include "uapi/lockspan.h"

/* What session needs from its neighbours; main.c ties them together. */
struct lsp_session_ops {
	int (*arm)(u32 max_parked);
	void (*disarm)(void);
	void (*release)(void);
	bool (*probe_state)(unsigned int index, struct lsp_probe_state *ret);
	u64 (*memory)(void);	/* that the armed probes take */
	/* Each returns 0, -EAGAIN when the owner's socket is full, -ECONNREFUSED when it is gone, or why it cannot be sent. */
	int (*data_send)(u32 portid, u32 cpu, u64 seq, const void *run, u32 bytes);
	int (*end_send)(u32 portid, u64 start_ns, u64 stop_ns);
};

struct lsp_session_options {
	u64 block_rate_ns;
	u32 mutex_fraction;
	struct lsp_tables_options tables;
};

/* What SET gives; who is not named stays as it is. */
struct lsp_session_changes {
	const u32 *tgids;	/* in the caller's pid namespace */
	u32 ntgids;
	bool block_rate;
	bool mutex;
	bool min_delay;
	u64 block_rate_ns;
	u32 mutex_fraction;
	u64 min_delay_ns;
};

struct lsp_session_status {
	u32 state;		/* enum lockspan_state */
	pid_t owner_pid;
	u64 start_ns;
	u64 stop_ns;
	u64 open_spans;
	u64 memory_bytes;
};

int lsp_session_init(const struct lsp_session_ops *o);
void lsp_session_uninit(void);

/*
 * All below: process context, may sleep, at any time beside one another. @portid names the owner's
 * socket. A sentence for the requester goes to *@why on failure. All but START return at once.
 */
/* @socket: the owner's, of which the session takes a reference; it ends when that is the only one. */
struct file;
int lsp_session_start(const struct lsp_session_options *o, u32 portid, struct file *socket, const char **why);
int lsp_session_stop(u32 portid, const char **why);
void lsp_session_status(struct lsp_session_status *ret);
bool lsp_session_probe_state(unsigned int index, struct lsp_probe_state *ret);

/* Stacks of the process that records call @tgid need the larger window; owner only. */
int lsp_session_deepen(u32 portid, u32 tgid, const char **why);

/* The stack @id is to be sent again when it next occurs; owner only. */
int lsp_session_forget_stack(u32 portid, u64 id, const char **why);

/* Takes unwind rules, a run of struct lockspan_rule; owner only. */
int lsp_session_teach(u32 portid, u32 generation, const void *rules, u32 bytes, const char **why);

/* Changes rates, adds to the processes observed; owner only. */
int lsp_session_set(u32 portid, const struct lsp_session_changes *c, const char **why);

#endif
