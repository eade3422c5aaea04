/* SPDX-License-Identifier: GPL-2.0-only */
/* Options that report and diff share. */
#ifndef LSP_CMD_READING_H
#define LSP_CMD_READING_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "../report/table.h"

struct json_object;

struct lsp_reading {
	enum lsp_by by;
	size_t top;	/* rows; SIZE_MAX: all */
	bool json;
};

#define LSP_READING_DEFAULT { .by = LSP_BY_SITE, .top = 20 }

#define LSP_READING_OPTIONS \
	{ "by", 'b', "WHAT", 0, "Show one row for each site (the calling function; the default), " \
	  "lock, sync (class) or thread (name)", 0 }, \
	{ "top", 'n', "N", 0, "Show N rows (default 20); 0 shows all", 0 }, \
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 }

/* For an argp parser. Returns 0, or ARGP_ERR_UNKNOWN for a key that is not one of these. */
error_t lsp_reading_parse(struct lsp_reading *o, int key, char *arg, struct argp_state *state);

/*
 * Takes over @json, prints it (NULL: nothing), and ends the output. Returns false, and says so, if
 * it could not be written.
 */
bool lsp_reading_finish(struct json_object *json);

#endif
