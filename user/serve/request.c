// SPDX-License-Identifier: GPL-2.0-only
#include "request.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROOT "/debug/pprof"

static const char *const kinds[LSP_SERVE_KINDS] = {
	[LSP_SERVE_BLOCK] = "block", [LSP_SERVE_MUTEX] = "mutex",
};

const char *lsp_serve_kind_name(enum lsp_serve_kind kind)
{
	return kinds[kind];
}

static void refuse(struct lsp_serve_request *r, unsigned int status, const char *text)
{
	*r = (struct lsp_serve_request){ .page = LSP_SERVE_ERROR, .status = status, .text = text };
}

/*
 * Accepts digits only, and from 1 on. The other forms that strtol() accepts are no number of
 * seconds.
 */
static bool seconds_parse(const char *text, unsigned long *ret)
{
	size_t n = strspn(text, "0123456789");

	if (!n || text[n] || n > 9)
		return false;
	*ret = strtoul(text, NULL, 10);
	return *ret > 0;
}

static void profile_parse(struct lsp_serve_request *r, const char *seconds, const char *debug)
{
	/* As in Go, text that is no number counts as 0. */
	bool text = debug && strtol(debug, NULL, 10);
	unsigned long n;

	r->page = text ? LSP_SERVE_TEXT : LSP_SERVE_PROFILE;
	if (!seconds || !*seconds)
		return;
	if (!seconds_parse(seconds, &n))
		refuse(r, 400, "invalid value for \"seconds\" - must be a positive integer");
	else if (text)
		refuse(r, 400, "seconds and debug params are incompatible");
	else if (n > LSP_SERVE_SECONDS_MAX)
		refuse(r, 400, "invalid value for \"seconds\" - more than an hour is not served");
	else
		r->page = LSP_SERVE_DELTA;
	if (r->page == LSP_SERVE_DELTA)
		r->seconds = (unsigned int)n;
}

void lsp_serve_request_parse(const char *method, const char *path, const char *seconds,
			     const char *debug, struct lsp_serve_request *ret)
{
	*ret = (struct lsp_serve_request){ .page = LSP_SERVE_ERROR, .status = 200 };
	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		refuse(ret, 405, "only GET and HEAD are served");
		return;
	}
	if (!strcmp(path, "/") || !strcmp(path, ROOT)) {
		ret->page = LSP_SERVE_REDIRECT;
		return;
	}
	if (!strcmp(path, "/metrics")) {
		ret->page = LSP_SERVE_METRICS;
		return;
	}
	if (strncmp(path, ROOT "/", sizeof(ROOT))) {
		refuse(ret, 404, "404 page not found");
		return;
	}
	path += sizeof(ROOT);
	if (!*path)
		ret->page = LSP_SERVE_INDEX;
	else if (!strcmp(path, "cmdline"))
		ret->page = LSP_SERVE_CMDLINE;
	for (int i = 0; i < LSP_SERVE_KINDS && ret->page == LSP_SERVE_ERROR; i++) {
		if (strcmp(path, kinds[i]))
			continue;
		ret->kind = (enum lsp_serve_kind)i;
		profile_parse(ret, seconds, debug);
		return;
	}
	if (ret->page == LSP_SERVE_ERROR)
		refuse(ret, 404, "Unknown profile");
}

/* 127.0.0.1, [::1] or localhost, with or without a port. */
static bool host_is_no_name(const char *host)
{
	bool six = *host == '[';
	char address[INET6_ADDRSTRLEN] = "";
	struct in6_addr any;
	size_t n;

	host += six;
	n = strcspn(host, six ? "]" : ":");
	if (n >= sizeof(address) || (six && !host[n]))
		return false;
	memcpy(address, host, n);
	host += n + six;
	if (*host && (*host != ':' || host[1 + strspn(host + 1, "0123456789")]))
		return false;
	return (!six && !strcasecmp(address, "localhost")) ||
	       inet_pton(six ? AF_INET6 : AF_INET, address, &any) == 1;
}

void lsp_serve_request_host_check(struct lsp_serve_request *r, const char *host)
{
	if (host && !host_is_no_name(host))
		refuse(r, 403, "on loopback only an address or localhost is served as the host");
}
