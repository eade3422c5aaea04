/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one recording session: its owner, its life from START to END, what each request of the owner does, and the
 * worker that carries records from the rings to the owner.
 */
#ifndef _LSP_SESSION_H
#define _LSP_SESSION_H

#include <linux/types.h>

#include "probe.h"
#include "tables.h"
#include "uapi/lockspan.h"

/* What the session needs from other parts of the module. main.c fills it in. */
struct lsp_session_ops {
	int (*arm)(u32 max_parked, bool trial);
	int (*rehearse)(const char **why);
	void (*disarm)(void);
	void (*release)(void);
	bool (*probe_state)(unsigned int index, struct lsp_probe_state *ret);
	u64 (*memory)(void);	/* memory of the armed probes */
	/*
	 * Each returns 0, -EAGAIN when the owner's socket is full, -ECONNREFUSED when it is gone,
	 * or another error.
	 */
	int (*data_send)(u32 portid, u32 cpu, u64 seq, const void *run, u32 bytes);
	int (*end_send)(u32 portid, u64 start_ns, u64 stop_ns);
	int (*armed_send)(u32 portid);
};

struct lsp_session_options {
	u64 block_rate_ns;
	u32 mutex_fraction;
	bool rehearsed;		/* the owner waits and wakes when it is told to, see trial.h */
	struct lsp_tables_options tables;
};

/* The values of a SET. A value that the request does not name stays as it is. */
struct lsp_session_changes {
	const u32 *tgids;	/* ids in the caller's pid namespace */
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
 * All functions below run in process context, may sleep, and may be called at any time, also in
 * parallel. @portid names the owner's socket. A function that fails leaves a sentence for the
 * requester in *@why. All but START return at once.
 */
/* The session takes a reference to @socket, the owner's. It ends when nobody else has one any more. */
struct file;
int lsp_session_start(const struct lsp_session_options *o, u32 portid, struct file *socket, const char **why);
int lsp_session_stop(u32 portid, const char **why);
void lsp_session_status(struct lsp_session_status *ret);
bool lsp_session_probe_state(unsigned int index, struct lsp_probe_state *ret);

/* The stacks of the process that the records call @tgid need the larger window. Only the owner may say so. */
int lsp_session_deepen(u32 portid, u32 tgid, const char **why);

/* The stack @id is sent again when it next occurs. Only the owner may ask for that. */
int lsp_session_forget_stack(u32 portid, u64 id, const char **why);

/* Learns unwind rules, an array of struct lockspan_rule. Only the owner may teach. */
int lsp_session_teach(u32 portid, u32 generation, const void *rules, u32 bytes, const char **why);

/* Changes the rates and adds processes that are observed. Only the owner may do that. */
int lsp_session_set(u32 portid, const struct lsp_session_changes *c, const char **why);

#endif
