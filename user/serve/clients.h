/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is connected, for how long, and from where. It bounds what a client can
 * take from the others: the time for a whole request and for a whole answer,
 * and the number of connections, of which a newcomer gets one that keeps its
 * place without asking for anything.
 */
#ifndef LSP_SERVE_CLIENTS_H
#define LSP_SERVE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum lsp_client_state {
	LSP_CLIENT_ASKING,	/* its request is not whole */
	LSP_CLIENT_SERVED,	/* whole; the answer is being made, or waits for its time */
	LSP_CLIENT_ANSWERED,	/* being sent */
};

struct lsp_serve_client {
	struct lsp_serve_client *next;
	int fd;
	enum lsp_client_state state;
	uint64_t since_ns;
	unsigned char address[16];
	bool cut;		/* shut down, and not closed yet */
};

struct lsp_serve_clients {
	struct lsp_serve_client *first;
	size_t max;
	uint64_t ask_ns;	/* for a request */
	uint64_t answer_ns;
};

/*
 * A new connection; NULL: no memory. Beyond the maximum the longest asking one of the address
 * that has most connections is shut down, or the new one if nobody is asking.
 */
struct lsp_serve_client *lsp_serve_client_add(struct lsp_serve_clients *c, int fd,
					      const struct sockaddr *address, uint64_t now_ns);
void lsp_serve_client_remove(struct lsp_serve_clients *c, struct lsp_serve_client *client);

void lsp_serve_client_set(struct lsp_serve_client *client, enum lsp_client_state state, uint64_t now_ns);

/* Shuts down those whose time is over. When the next one's is; UINT64_MAX: nobody's. */
uint64_t lsp_serve_clients_check(struct lsp_serve_clients *c, uint64_t now_ns);

#endif
