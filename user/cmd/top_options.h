/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of `lockspan top`. */
#ifndef LSP_CMD_TOP_OPTIONS_H
#define LSP_CMD_TOP_OPTIONS_H

#include "../top/look.h"
#include "record_options.h"

struct lsp_top_options {
	struct lsp_record_options what;	/* its directory is where a recording is written when that is asked for */
	uint64_t interval_ns;
	uint64_t count;			/* of looks; 0: until it ends */
	enum lsp_top_sort sort;
	bool batch;			/* write blocks of text even to a terminal */
	const char *command_output;	/* file for what the command writes; NULL: that is not kept */
	size_t rows_max;		/* if there are more sums than this, the counters begin anew */
};

/* Parses the command line, or exits with a usage error. */
void lsp_top_options_parse(struct lsp_top_options *o, int argc, char **argv);

#endif
