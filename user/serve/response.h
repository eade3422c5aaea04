/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the bytes and header fields that answer a request, by the conventions of Go's
 * net/http/pprof. It knows no socket. Each builder sets all of @ret, and makes a 500 of it if there
 * is no memory.
 */
#ifndef LSP_SERVE_RESPONSE_H
#define LSP_SERVE_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../profile/pprof.h"
#include "request.h"

struct lsp_serve_response {
	unsigned int status;
	const char *type;
	const char *location;		/* where a redirect leads, or NULL */
	char disposition[64];		/* "" none */
	bool go_error;			/* X-Go-Pprof: 1 */
	void *body;			/* malloc'ed, or NULL */
	size_t bytes;
};

/* The numbers that the index page shows. */
struct lsp_serve_numbers {
	size_t samples[LSP_SERVE_KINDS];
	uint64_t waits;
	uint64_t releases;
	uint64_t lost;
	double seconds;		/* since counting began */
	const char *session;
};

void lsp_serve_error(struct lsp_serve_response *ret, unsigned int status, const char *text);
void lsp_serve_redirect(struct lsp_serve_response *ret, const char *location);
void lsp_serve_index(struct lsp_serve_response *ret, const struct lsp_serve_numbers *n);

/* The answer is what @write writes; a 503 if it fails. */
void lsp_serve_metrics(struct lsp_serve_response *ret, int (*write)(void *arg, FILE *to), void *arg);

/* @words ends with NULL. */
void lsp_serve_cmdline(struct lsp_serve_response *ret, char *const *words);

/* The answer is the pprof file itself. */
void lsp_serve_profile(struct lsp_serve_response *ret, const struct lsp_profile *p,
		       enum lsp_serve_kind kind, bool delta);

/* The answer is the older text format of contention profiles, which pprof also reads. */
void lsp_serve_text(struct lsp_serve_response *ret, const struct lsp_profile *p,
		    enum lsp_serve_kind kind);

void lsp_serve_response_uninit(struct lsp_serve_response *r);

#endif
