/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps account of the connections: for how long they exist, and from where. It limits what one
 * client can take from the others: the time for a whole request and for a whole answer, and the
 * number of connections. If there are too many, a new client takes the place of one that has not
 * sent its request.
 */
#ifndef LSP_SERVE_CLIENTS_H
#define LSP_SERVE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum lsp_client_state {
	LSP_CLIENT_ASKING,	/* its request is not complete yet */
	LSP_CLIENT_SERVED,	/* its request is complete; the answer is being made, or is due later */
	LSP_CLIENT_ANSWERED,	/* the answer is being sent */
};

struct lsp_serve_client {
	struct lsp_serve_client *next;
	int fd;
	enum lsp_client_state state;
	uint64_t since_ns;
	unsigned char address[16];
	bool cut;		/* shut down, but not closed yet */
};

struct lsp_serve_clients {
	struct lsp_serve_client *first;
	size_t max;
	uint64_t ask_ns;	/* time allowed for a request */
	uint64_t answer_ns;
};

/*
 * Adds a new connection. NULL: no memory. If there are too many, one is shut down: at the address
 * with most connections, the one that has taken longest to send its request; or the new one, if
 * none is sending a request.
 */
struct lsp_serve_client *lsp_serve_client_add(struct lsp_serve_clients *c, int fd,
					      const struct sockaddr *address, uint64_t now_ns);
void lsp_serve_client_remove(struct lsp_serve_clients *c, struct lsp_serve_client *client);

void lsp_serve_client_set(struct lsp_serve_client *client, enum lsp_client_state state, uint64_t now_ns);

/*
 * Shuts down the connections whose time is over. Returns the time at which the next one's is over;
 * UINT64_MAX: there is none.
 */
uint64_t lsp_serve_clients_check(struct lsp_serve_clients *c, uint64_t now_ns);

#endif
