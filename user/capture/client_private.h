/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sources of the client share. Several sources define this: client.c (the socket) and
 * client_message.c (its messages).
 */
#ifndef LSP_CAPTURE_CLIENT_PRIVATE_H
#define LSP_CAPTURE_CLIENT_PRIVATE_H

#include "client.h"

/* Larger than any message the module makes; a larger one is counted as truncated. */
#define LSP_CLIENT_BUFFER_BYTES (1 << 20)

struct nl_sock;

struct lsp_client {
	lsp_client_data_fn data;
	void *arg;
	struct nl_sock *sock;
	int fd;
	uint16_t family;
	uint64_t *buffer;		/* LSP_CLIENT_BUFFER_BYTES, for reading */
	uint64_t *aligned;		/* LSP_CLIENT_BUFFER_BYTES, for runs that are misaligned in buffer */

	uint32_t awaited;		/* sequence number of the command under way, 0 none */
	int answer;			/* the command's result; valid once awaited is 0 again */
	struct lsp_client_report *status;	/* where the answer to STATUS is put */
	char refusal[256];

	bool stopped;			/* STOP has been sent: the module takes no rules any more */
	bool ended;
	struct lsp_client_report end;
	struct lsp_client_faults faults;
};

/*
 * Takes what one datagram of the kernel brought. Returns the number of messages, or the handler's
 * error. Malformed messages are counted and skipped.
 */
int lsp_client_messages_read(struct lsp_client *c, void *messages, int bytes);

#endif
