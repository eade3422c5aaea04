/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options that report and diff share, and --skip, which all commands take that name places or locks. Also how many
 * characters a line of output has, and how the output ends.
 */
#ifndef LSP_CMD_READING_H
#define LSP_CMD_READING_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "../report/table.h"

struct json_object;

struct lsp_reading {
	enum lsp_by by;
	bool by_given;
	bool pairs;	/* --by pair, which only report has */
	bool roots;	/* --by root, too */
	bool has_pairs;	/* this is report */
	size_t top;	/* rows; SIZE_MAX: all */
	bool json;
};

#define LSP_READING_DEFAULT { .by = LSP_BY_SITE, .top = 20 }

/* The help on --skip: for commands that show places, and for those that only name locks after places. */
#define LSP_SKIP_HELP "Treat functions whose name fits this (extended) regular expression as wrappers around a lock, which are " \
	"not the place of a wait; may be repeated"
#define LSP_SKIP_NAME_HELP "Treat functions whose name fits this (extended) regular expression as wrappers around a lock, after " \
	"which no lock is named; may be repeated"

/* @more is said of further values of --by. */
#define LSP_READING_OPTIONS(more) \
	{ "by", 'b', "WHAT", 0, "Show one row for each site (the calling function; the default), " \
	  "lock, sync (class) or thread (name)" more, 0 }, \
	{ "top", 'n', "N", 0, "Show N rows (default 20); 0 shows all", 0 }, \
	{ "skip", 's', "REGEX", 0, LSP_SKIP_HELP, 0 }, \
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 }

/* Takes @regex, or exits with a usage error. It applies to all that this process reads and resolves from then on. */
void lsp_skip_parse(const char *regex, struct argp_state *state);

/* For an argp parser. Returns 0, or ARGP_ERR_UNKNOWN for a key that is not one of these. */
error_t lsp_reading_parse(struct lsp_reading *o, int key, char *arg, struct argp_state *state);

/*
 * How many characters a line of standard output has: by COLUMNS, else the terminal's; 0: as many as there are,
 * because it is no terminal.
 */
size_t lsp_reading_columns(void);

/*
 * Takes over @json, prints it (NULL: nothing), and ends the output. Returns false, and says so, if
 * it could not be written.
 */
bool lsp_reading_finish(struct json_object *json);

#endif
