// SPDX-License-Identifier: GPL-2.0-only
#include "serve_options.h"

#include <argp.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "parse.h"

/* A sum and its place in a profile take about 1 KiB while one is built. */
#define ROWS_MAX 100000

enum { OPTION_ROWS_MAX = 512 };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Where:", 3 },
	{ "listen", 'l', "ADDR:PORT", 0,
	  "Listen at this address (default 127.0.0.1:6060); there is no authentication, so keep it on loopback", 3 },
	/* For tests. */
	{ "rows-max", OPTION_ROWS_MAX, "N", OPTION_HIDDEN, NULL, 3 },
	{ 0 }
};

/* 127.0.0.1:6060, [::1]:6060, :6060 (every address), 127.0.0.1:0 (any port). */
static void address_parse(struct lsp_serve_options *o, const char *text, struct argp_state *state)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&o->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&o->address;
	const char *colon = strrchr(text, ':');
	char *host = colon ? strndup(text, (size_t)(colon - text)) : NULL;
	uint64_t port = 0;
	size_t n = host ? strlen(host) : 0;

	memset(&o->address, 0, sizeof(o->address));
	if (!host || !lsp_text_number(colon + 1, 65535, &port))
		argp_error(state, "'%s' is not an address and port such as 127.0.0.1:6060", text);
	o->address_text = host;
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		o->address_bytes = sizeof(*six);
		if (inet_pton(AF_INET6, host + 1, &six->sin6_addr) != 1)
			argp_error(state, "'%s' is no IPv6 address", host + 1);
		host[n - 1] = ']';
		return;
	}
	if (!n)
		o->address_text = "0.0.0.0";
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)port);
	o->address_bytes = sizeof(*four);
	if (inet_pton(AF_INET, o->address_text, &four->sin_addr) != 1)
		argp_error(state, "'%s' is no IP address; a name is not looked up", host);
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct lsp_serve_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->what;
		break;
	case 'l':
		address_parse(o, arg, state);
		break;
	case OPTION_ROWS_MAX:
		o->rows_max = lsp_parse_number(arg, UINT32_MAX, state);
		break;
	case ARGP_KEY_END:
		if (!o->address_bytes)
			address_parse(o, "127.0.0.1:6060", state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void lsp_serve_options_parse(struct lsp_serve_options *o, int argc, char **argv)
{
	static const struct argp_child children[] = { { &lsp_record_what_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.options = options, .parser = option_parse, .children = children,
		.args_doc = "[-- COMMAND [ARGUMENT]...]",
		.doc = "Records, and meanwhile offers the block and mutex profiles by HTTP, under the "
		       "addresses and by the rules of a Go program with net/http/pprof."
		       "\vgo tool pprof http://127.0.0.1:6060/debug/pprof/mutex?seconds=5 shows the "
		       "contention of the next five seconds. lockspan ends with Ctrl-C, or with what it records.\n\n"
		       "The exit status is 0, 1 when records were lost, 2 when lockspan failed, 64 for a "
		       "usage error.",
	};

	*o = (struct lsp_serve_options){ .rows_max = ROWS_MAX };
	lsp_record_options_init(&o->what);
	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o);
}
