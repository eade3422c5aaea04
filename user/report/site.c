// SPDX-License-Identifier: GPL-2.0-only
#include "site.h"

#include <json-c/json.h>
#include <stdbool.h>

#include "../resolve/sync_names.h"

/* A root such as [truncated] stands for no code, either. */
static bool is_wrapper(const char *function, const char *file)
{
	return function[0] == '[' || lsp_sync_is_wrapper(function, file);
}

static void line_take(const struct lsp_profile_line *line, struct lsp_site *ret)
{
	ret->function = line->function;
	ret->file = line->file;
	ret->line = line->line;
}

void lsp_site_find(const struct lsp_profile *p, const struct lsp_profile_sample *s,
		   struct lsp_site *ret)
{
	struct lsp_profile_location location;
	bool leaf = true;

	*ret = (struct lsp_site){ "", "", 0 };
	for (size_t i = 0; i < s->nlocations; i++) {
		if (!lsp_profile_location(p, s->locations[i], &location))
			continue;
		for (size_t k = 0; k < location.nlines; k++) {
			if (leaf)
				line_take(&location.lines[k], ret);
			else if (!is_wrapper(location.lines[k].function, location.lines[k].file)) {
				line_take(&location.lines[k], ret);
				return;
			}
			leaf = false;
		}
	}
}

const char *lsp_site_of_names(struct json_object *names)
{
	size_t n = names ? json_object_array_length(names) : 0;
	const char *leaf = "";

	for (size_t i = 0; i < n; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));

		if (!name)
			continue;
		if (!i)
			leaf = name;
		else if (!is_wrapper(name, ""))
			return name;
	}
	return leaf;
}

int lsp_site_skip(const char *regex, char *why, size_t bytes)
{
	return lsp_sync_skip(regex, why, bytes);
}
