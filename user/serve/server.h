/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The HTTP server, and the requests that still wait for their ?seconds=. It has no thread of its
 * own: the caller polls and lets it run, so profiles are built between two reads of the module's
 * data. Only the source of this header uses libmicrohttpd.
 */
#ifndef LSP_SERVE_SERVER_H
#define LSP_SERVE_SERVER_H

#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "response.h"

struct lsp_server;

/* From where the server gets its answers. */
struct lsp_server_source {
	/*
	 * Makes the cumulative profile as it is now. The caller destroys it. Returns 0 or -errno.
	 */
	int (*profile)(void *arg, enum lsp_serve_kind kind, struct lsp_profile **ret);
	void (*numbers)(void *arg, struct lsp_serve_numbers *ret);
	/* Writes the metrics (metrics.h). Returns 0 or -errno. */
	int (*metrics)(void *arg, FILE *to);
	void *arg;
	char *const *command_line;	/* ends with NULL */
	uint64_t ask_ns;		/* time allowed for a whole request; 0: ten seconds */
};

/*
 * Begins to listen. @source is copied. On a loopback address, requests whose host is a name are
 * refused (request.h). Returns 0 or -errno (-EADDRINUSE, -EACCES, ...).
 */
int lsp_server_create(const struct sockaddr *address, socklen_t bytes,
		      const struct lsp_server_source *source, struct lsp_server **ret);

/* Answers the deltas under way with what there is by now, then closes all connections. */
void lsp_server_destroy(struct lsp_server *s);

/* Returns the port at which it listens; for port 0 that is the port that the system has chosen. */
unsigned int lsp_server_port(const struct lsp_server *s);

/* Returns the number of requests that have begun and are not completely answered. */
size_t lsp_server_exchanges(const struct lsp_server *s);

/* Returns the descriptor to poll for reading. */
int lsp_server_fd(const struct lsp_server *s);

/*
 * Returns when it must run next even if nothing can be read, by CLOCK_MONOTONIC; UINT64_MAX: never.
 */
uint64_t lsp_server_due_ns(struct lsp_server *s);

/* Does all that can be done without waiting. */
void lsp_server_run(struct lsp_server *s);

/*
 * To be called when the counters are about to begin at 0 again. Deltas under way are answered with
 * 503.
 */
void lsp_server_reset(struct lsp_server *s);

#endif
