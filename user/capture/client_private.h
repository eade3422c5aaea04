/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the client, of which several sources are parts: the socket (client.c) and its messages (client_message.c). */
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
	uint64_t *aligned;		/* LSP_CLIENT_BUFFER_BYTES, for runs that stand askew in it */

	uint32_t awaited;		/* sequence number of the command under way, 0 none */
	int answer;			/* its result, once awaited is 0 again */
	struct lsp_client_report *status;	/* where its STATUS goes */
	char refusal[256];

	bool stopped;			/* STOP has been sent: the module takes no rules any more */
	bool ended;
	struct lsp_client_report end;
	struct lsp_client_faults faults;
};

/*
 * Takes what one datagram of the kernel brought. Number of messages, or the
 * handler's error. What is malformed is counted and passed over.
 */
int lsp_client_messages_read(struct lsp_client *c, void *messages, int bytes);

#endif
