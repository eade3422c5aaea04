/* SPDX-License-Identifier: GPL-2.0-only */
/* What `lockspan serve` is asked for. */
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
	size_t rows_max;		/* beyond so many sums the counters begin anew */
};

/* Parses or leaves with a usage error. */
void lsp_serve_options_parse(struct lsp_serve_options *o, int argc, char **argv);

#endif
