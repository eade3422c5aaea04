/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a request below /debug/pprof/ asks for, by the conventions of Go's
 * net/http/pprof. Pure: no socket, no profile.
 */
#ifndef LSP_SERVE_REQUEST_H
#define LSP_SERVE_REQUEST_H

/* Longer ones are refused: the two snapshots of a delta are kept meanwhile. */
#define LSP_SERVE_SECONDS_MAX 3600

enum lsp_serve_page {
	LSP_SERVE_ERROR,	/* status and text say which */
	LSP_SERVE_REDIRECT,	/* to the index */
	LSP_SERVE_INDEX,
	LSP_SERVE_CMDLINE,
	LSP_SERVE_PROFILE,	/* cumulative */
	LSP_SERVE_DELTA,	/* of @seconds */
	LSP_SERVE_TEXT,		/* cumulative, as text */
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

/* @seconds and @debug: values of these parameters, or NULL where there are none. */
void lsp_serve_request_parse(const char *method, const char *path, const char *seconds,
			     const char *debug, struct lsp_serve_request *ret);

/*
 * Refuses @r when @host, the value of its Host field or NULL, is a name other than
 * localhost. For a server on loopback: a name that leads there is one that a web
 * page has had rebound, so that a browser here reads the profiles for it.
 */
void lsp_serve_request_host_check(struct lsp_serve_request *r, const char *host);

#endif
