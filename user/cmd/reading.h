/* SPDX-License-Identifier: GPL-2.0-only */
/* Options that report and diff share, and what --skip is to all commands that name places or locks. */
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

/* Of commands that show places, and of those that only name locks by them. */
#define LSP_SKIP_HELP "Look for the place of a wait past functions whose name fits this (extended) regular expression, " \
	"as past those of known lock libraries; may be repeated"
#define LSP_SKIP_NAME_HELP "Name a lock that is no variable past functions whose name fits this (extended) regular " \
	"expression, as past those of known lock libraries; may be repeated"

#define LSP_READING_OPTIONS \
	{ "by", 'b', "WHAT", 0, "Show one row for each site (the calling function; the default), " \
	  "lock, sync (class) or thread (name)", 0 }, \
	{ "top", 'n', "N", 0, "Show N rows (default 20); 0 shows all", 0 }, \
	{ "skip", 's', "REGEX", 0, LSP_SKIP_HELP, 0 }, \
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 }

/* Takes @regex, or leaves with a usage error. It holds for all that this process reads and resolves from then on. */
void lsp_skip_parse(const char *regex, struct argp_state *state);

/* For an argp parser. Returns 0, or ARGP_ERR_UNKNOWN for a key that is not one of these. */
error_t lsp_reading_parse(struct lsp_reading *o, int key, char *arg, struct argp_state *state);

/*
 * Takes over @json, prints it (NULL: nothing), and ends the output. Returns false, and says so, if
 * it could not be written.
 */
bool lsp_reading_finish(struct json_object *json);

#endif
