/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of `lockspan serve`. */
#ifndef LSP_CMD_SERVE_OPTIONS_H
#define LSP_CMD_SERVE_OPTIONS_H

#include <stddef.h>
#include <sys/socket.h>

#include "record_options.h"

struct lsp_serve_options {
	struct lsp_record_options what;
	struct sockaddr_storage address;
	socklen_t address_bytes;
	const char *address_text;	/* without the port */
	size_t rows_max;		/* if there are more sums than this, the counters begin anew */
};

/* Parses the command line, or exits with a usage error. */
void lsp_serve_options_parse(struct lsp_serve_options *o, int argc, char **argv);

#endif
