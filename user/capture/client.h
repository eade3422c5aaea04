/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reader's end of the netlink family: one socket, which becomes the
 * session's owner and also sends its commands. Messages are taken as they
 * come: data that arrives while a command waits for its answer goes to the
 * handler like any other. Only the files behind this header use libnl.
 *
 * All functions return 0 or -errno and are for one thread.
 */
#ifndef LSP_CAPTURE_CLIENT_H
#define LSP_CAPTURE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rates.h"
#include "span.h"

struct lsp_client;

/*
 * Gets the records of a DATA message. @run is aligned to 8 bytes and has not been checked. A result
 * other than 0 ends the reading.
 */
typedef int (*lsp_client_data_fn)(void *arg, uint32_t cpu, uint64_t seq, const void *run,
				  size_t bytes);

struct lsp_client_options {
	struct lsp_rates rates;
	uint32_t stack_mode;	/* enum lockspan_stack_mode */
	uint32_t flags;		/* LOCKSPAN_F_* */
	const uint32_t *tgids;
	size_t ntgids;
	uint64_t cgroup;	/* inode number, 0 none */
	uint32_t ops;		/* 0 all */
	uint32_t ring_bytes;	/* 0 the module's default */
	bool why;		/* releases say what their holders did */
	bool both;		/* each stack by learned rules and as a snapshot */
};

#define LSP_CLIENT_PROBES 32
#define LSP_CLIENT_NAME_LEN 64

struct lsp_client_probe {
	char name[LSP_CLIENT_NAME_LEN];
	char symbol[LSP_CLIENT_NAME_LEN];
	uint64_t missed;	/* machine-wide */
};

/* The report in the answer to STATUS, or in END. What the message did not have is 0. */
struct lsp_client_report {
	uint32_t version;
	uint32_t state;		/* enum lockspan_state */
	uint32_t owner_pid;
	struct lsp_rates rates;
	uint64_t start_ns;
	uint64_t stop_ns;
	uint64_t open_spans;
	uint64_t memory_bytes;
	uint64_t counters[LOCKSPAN_C_COUNT];
	size_t nprobes;
	struct lsp_client_probe probes[LSP_CLIENT_PROBES];
};

/* Faults while reading. None of them ends the session. */
struct lsp_client_faults {
	uint64_t socket_full;	/* times the socket was found full */
	uint64_t refused;	/* messages malformed or not from the kernel */
	uint64_t truncated;	/* messages larger than the buffer */
};

int lsp_client_create(lsp_client_data_fn data, void *arg, struct lsp_client **ret);
void lsp_client_destroy(struct lsp_client *c);

/* Opens the socket and finds the family. -ENOENT: the module is not loaded. */
int lsp_client_connect(struct lsp_client *c);

/* The module's sentence on the last command it refused, or "". */
const char *lsp_client_refusal(const struct lsp_client *c);

/*
 * Commands. Each returns when the module has carried it out. It is sent again when
 * a full socket has lost the answer (-ETIMEDOUT: every answer was lost). start:
 * -EPERM not root, -EPROTO other contract, -EBUSY there is an owner already,
 * -EOPNOTSUPP the module does not have this stack mode.
 */
int lsp_client_start(struct lsp_client *c, const struct lsp_client_options *o);
int lsp_client_rates_set(struct lsp_client *c, uint64_t block_rate_ns, uint32_t mutex_fraction);
int lsp_client_tgid_add(struct lsp_client *c, uint32_t tgid);
int lsp_client_stop(struct lsp_client *c);
int lsp_client_status(struct lsp_client *c, struct lsp_client_report *ret);

/* Asks for a stack once more. Does not wait for the answer; a refusal is only counted. */
int lsp_client_resend(struct lsp_client *c, uint64_t stack_id);

/*
 * Asks the module to look at more of the stacks of the process that records call @tgid. Does not
 * wait, either.
 */
int lsp_client_deepen(struct lsp_client *c, uint32_t tgid);

/* How many rules one message can take. */
#define LSP_CLIENT_RULES 256

/*
 * Sends unwind rules for the mappings @generation. Does not wait, either. Returns -ENODEV after
 * STOP.
 */
int lsp_client_teach(struct lsp_client *c, uint32_t generation, const struct lockspan_rule *rules,
		     size_t n);

/* The descriptor to poll for reading; -1 before connect. */
int lsp_client_fd(const struct lsp_client *c);

/*
 * Takes at most @max messages that have arrived, without waiting. Returns their number or -errno.
 */
int lsp_client_read(struct lsp_client *c, int max);

/*
 * To be called after stop: reads until END. After @silence_ms without a message it asks the module
 * whether it is still at work. Returns -ETIMEDOUT if the module does not answer.
 */
int lsp_client_drain(struct lsp_client *c, int silence_ms);

/* END's report, or NULL before it. */
const struct lsp_client_report *lsp_client_end(const struct lsp_client *c);
const struct lsp_client_faults *lsp_client_faults(const struct lsp_client *c);

/*
 * For tests: takes @bytes bytes of messages, aligned to 4, as if they had come from the port @from
 * (the kernel's is 0). @family is taken for the family's number. Returns -EBADMSG when any message
 * was refused.
 */
int lsp_client_feed(struct lsp_client *c, uint16_t family, uint32_t from, void *messages,
		    size_t bytes);

#endif
