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

static struct lsp_site line_site(const struct lsp_profile_line *line)
{
	return (struct lsp_site){ line->function, line->file, line->line };
}

static const char *path_of(const struct lsp_profile *p, const struct lsp_profile_location *location)
{
	struct lsp_profile_mapping m;

	return location->mapping && lsp_profile_mapping(p, location->mapping, &m) && m.filename ? m.filename : "";
}

void lsp_site_find(const struct lsp_profile *p, const struct lsp_profile_sample *s,
		   struct lsp_site *ret)
{
	struct lsp_profile_location location;
	bool leaf = true, inside = false;

	*ret = (struct lsp_site){ "", "", 0 };
	for (size_t i = 0; i < s->nlocations; i++) {
		if (!lsp_profile_location(p, s->locations[i], &location))
			continue;
		for (size_t k = 0; k < location.nlines; k++) {
			const struct lsp_profile_line *line = &location.lines[k];

			if (leaf) {
				*ret = line_site(line);
				leaf = false;
			} else if (is_wrapper(line->function, line->file)) {
				continue;
			} else if (!lsp_sync_is_interpreter(line->function, path_of(p, &location))) {
				if (!inside || lsp_sync_is_interpreted(line->function))
					*ret = line_site(line);
				return;
			} else if (!inside) {
				*ret = line_site(line);
				inside = true;
			}
		}
	}
}

const char *lsp_site_of_names(struct json_object *names)
{
	size_t n = names ? json_object_array_length(names) : 0;
	const char *leaf = "", *inside = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));

		if (!name)
			continue;
		if (!i)
			leaf = name;
		else if (is_wrapper(name, ""))
			continue;
		else if (!lsp_sync_is_interpreter(name, ""))
			return inside && !lsp_sync_is_interpreted(name) ? inside : name;
		else if (!inside)
			inside = name;
	}
	return inside ? inside : leaf;
}

int lsp_site_skip(const char *regex, char *why, size_t bytes)
{
	return lsp_sync_skip(regex, why, bytes);
}
