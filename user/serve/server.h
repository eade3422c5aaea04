/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The HTTP server, without a thread of its own: the caller polls and lets it
 * run, so that profiles are built between two reads of the module's data. Only
 * behind this header is libmicrohttpd known.
 */
#ifndef LSP_SERVE_SERVER_H
#define LSP_SERVE_SERVER_H

#include <stdint.h>
#include <sys/socket.h>

#include "response.h"

struct lsp_server;

/* Where the answers come from. */
struct lsp_server_source {
	/* The cumulative profile as it is now; the caller destroys it. 0 or -errno. */
	int (*profile)(void *arg, enum lsp_serve_kind kind, struct lsp_profile **ret);
	void (*numbers)(void *arg, struct lsp_serve_numbers *ret);
	void *arg;
	char *const *command_line;	/* ended by NULL */
	uint64_t ask_ns;		/* for a whole request; 0: ten seconds */
};

/*
 * Listens. 0 or -errno (-EADDRINUSE, -EACCES, ...). @source is copied. On a loopback
 * address, requests for a host that is a name are refused: see request.h.
 */
int lsp_server_create(const struct sockaddr *address, socklen_t bytes,
		      const struct lsp_server_source *source, struct lsp_server **ret);

/* Deltas under way are answered with what there is by now; then all connections are closed. */
void lsp_server_destroy(struct lsp_server *s);

/* The port it listens at, which the system has chosen for port 0. */
unsigned int lsp_server_port(const struct lsp_server *s);

/* Requests that have begun and are not answered to their end. */
size_t lsp_server_exchanges(const struct lsp_server *s);

/* To poll for reading. */
int lsp_server_fd(const struct lsp_server *s);

/* When it is to run next though nothing is to be read, CLOCK_MONOTONIC; UINT64_MAX: at no time. */
uint64_t lsp_server_due_ns(struct lsp_server *s);

/* Does what is to be done, without waiting. */
void lsp_server_run(struct lsp_server *s);

/* The counters are about to begin at 0 again: deltas that are being taken are answered with 503. */
void lsp_server_reset(struct lsp_server *s);

#endif
