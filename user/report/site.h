/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the site of a stack in a profile or in record.json: the program's own function that called
 * the lock function. It is the first function outwards from the leaf that is no wrapper of a
 * library (std::mutex::lock). A stack of wrappers alone has its leaf as site.
 */
#ifndef LSP_REPORT_SITE_H
#define LSP_REPORT_SITE_H

#include <stdbool.h>

#include "../profile/pprof.h"

struct json_object;

/* Strings belong to the profile; "" and 0 where they are not known. */
struct lsp_site {
	const char *function;
	const char *file;
	long long line;
};

void lsp_site_find(const struct lsp_profile *p, const struct lsp_profile_sample *s,
		   struct lsp_site *ret);

/* The same for a list of names, leaf first, as record.json has them; "" for an empty list. */
const char *lsp_site_of_names(struct json_object *names);

/* Makes functions whose name fits @regex wrappers as well, in all of this process: see lsp_sync_skip(). */
int lsp_site_skip(const char *regex, char *why, size_t bytes);

#endif
