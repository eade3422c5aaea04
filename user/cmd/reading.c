// SPDX-License-Identifier: GPL-2.0-only
#include "reading.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../report/site.h"
#include "parse.h"
#include "say.h"

static void by_parse(struct lsp_reading *o, const char *arg, struct argp_state *state)
{
	o->pairs = o->has_pairs && !strcmp(arg, "pair");
	o->roots = o->has_pairs && !strcmp(arg, "root");
	o->by_given = o->roots;
	if (o->pairs || o->roots)
		return;
	for (int i = 0; i < LSP_BY_COUNT; i++)
		if (!strcmp(arg, lsp_by_names[i])) {
			o->by = (enum lsp_by)i;
			o->by_given = true;
			return;
		}
	argp_error(state, "--by takes site, lock, sync%s, not '%s'", o->has_pairs ? ", thread, root or pair" : " or thread", arg);
}

void lsp_skip_parse(const char *regex, struct argp_state *state)
{
	char why[128];

	if (lsp_site_skip(regex, why, sizeof(why)))
		argp_error(state, "--skip '%s': %s", regex, why);
}

error_t lsp_reading_parse(struct lsp_reading *o, int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'b':
		by_parse(o, arg, state);
		return 0;
	case 'n':
		o->top = lsp_parse_rows(arg, state);
		return 0;
	case 's':
		lsp_skip_parse(arg, state);
		return 0;
	case 'j':
		o->json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

size_t lsp_reading_columns(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns && lsp_text_number(columns, UINT16_MAX, &n) && n)
		return (size_t)n;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

bool lsp_reading_finish(struct json_object *json)
{
	errno = 0;
	if (json)
		puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	lsp_say("cannot write the output: %s", lsp_say_errno(errno ? errno : EIO));
	return false;
}
