/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a request below /debug/pprof/, by the conventions of Go's net/http/pprof, or one for /metrics. It knows no
 * socket and no profile.
 */
#ifndef LSP_SERVE_REQUEST_H
#define LSP_SERVE_REQUEST_H

/* A request for a longer time is refused, because two snapshots are kept meanwhile. */
#define LSP_SERVE_SECONDS_MAX 3600

enum lsp_serve_page {
	LSP_SERVE_ERROR,	/* status and text of the refusal */
	LSP_SERVE_REDIRECT,	/* a redirect to the index */
	LSP_SERVE_INDEX,
	LSP_SERVE_METRICS,
	LSP_SERVE_CMDLINE,
	LSP_SERVE_PROFILE,	/* cumulative */
	LSP_SERVE_DELTA,	/* of @seconds */
	LSP_SERVE_TEXT,		/* the cumulative profile as text */
};

enum lsp_serve_kind { LSP_SERVE_BLOCK, LSP_SERVE_MUTEX, LSP_SERVE_KINDS };

struct lsp_serve_request {
	enum lsp_serve_page page;
	enum lsp_serve_kind kind;
	unsigned int seconds;
	unsigned int status;
	const char *text;
};

/* "block" or "mutex". */
const char *lsp_serve_kind_name(enum lsp_serve_kind kind);

/* @seconds and @debug are the values of these parameters, or NULL if the request has none. */
void lsp_serve_request_parse(const char *method, const char *path, const char *seconds,
			     const char *debug, struct lsp_serve_request *ret);

/*
 * Refuses @r if @host (the value of its Host field, or NULL) is a name other than localhost. This
 * is for a server on a loopback address. A web page can have another name rebound to that address,
 * so that a browser on this machine would read the profiles for the page.
 */
void lsp_serve_request_host_check(struct lsp_serve_request *r, const char *host);

#endif
