// SPDX-License-Identifier: GPL-2.0-only
/*
 * pprofsum FILE TYPE [KEY=VALUE | fn=FUNCTION | root=FUNCTION[,FUNCTION...]]...:
 * the sum of sample type TYPE ("delay", "contentions"; "samples" counts the
 * samples themselves) over the samples that carry all the labels, have FUNCTION
 * in their stack and end (outermost frame) in one of the given functions.
 * For guests, where there is no `go tool pprof`.
 * sources: user/profile/
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lprotobuf-c -lz -lm
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../../user/profile/pprof.h"

static bool has_label(const struct lsp_profile_sample *s, const char *want)
{
	size_t key = strcspn(want, "="), i;

	for (i = 0; i < s->nlabels; i++) {
		const struct lsp_profile_label *l = &s->labels[i];
		char num[32];

		snprintf(num, sizeof(num), "%lld", (long long)l->num);
		if (strlen(l->key) == key && !strncmp(l->key, want, key) &&
		    !strcmp(l->str ? l->str : num, want + key + 1))
			return true;
	}
	return false;
}

static bool has_function(const struct lsp_profile *p, uint64_t location, const char *name)
{
	struct lsp_profile_location l;
	size_t i;

	if (!lsp_profile_location(p, location, &l))
		return false;
	for (i = 0; i < l.nlines; i++)
		if (!strcmp(l.lines[i].function, name))
			return true;
	return false;
}

static bool calls(const struct lsp_profile *p, const struct lsp_profile_sample *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nlocations; i++)
		if (has_function(p, s->locations[i], name))
			return true;
	return false;
}

static bool rooted(const struct lsp_profile *p, const struct lsp_profile_sample *s,
		   const char *names)
{
	char name[256];

	while (s->nlocations && *names) {
		size_t n = strcspn(names, ",");

		snprintf(name, sizeof(name), "%.*s", (int)n, names);
		if (has_function(p, s->locations[s->nlocations - 1], name))
			return true;
		names += n + (names[n] == ',');
	}
	return false;
}

static bool matches(const struct lsp_profile *p, const struct lsp_profile_sample *s,
		    const char *want)
{
	if (!strncmp(want, "fn=", 3))
		return calls(p, s, want + 3);
	if (!strncmp(want, "root=", 5))
		return rooted(p, s, want + 5);
	return has_label(s, want);
}

/* Its index, the number of types for "samples", or -1. */
static int type_index(const struct lsp_profile *p, const char *name)
{
	size_t i;

	for (i = 0; i < lsp_profile_types(p); i++)
		if (!strcmp(lsp_profile_type(p, i)->type, name))
			return (int)i;
	return strcmp(name, "samples") ? -1 : (int)i;
}

int main(int argc, char **argv)
{
	struct lsp_profile *p;
	struct lsp_profile_sample s;
	char why[256] = "";
	double sum = 0;
	int type, a;
	size_t i;

	if (argc < 3) {
		fprintf(stderr, "Usage: pprofsum FILE TYPE [CONDITION...]\n");
		return 2;
	}
	if (lsp_profile_read(argv[1], &p, why, sizeof(why))) {
		fprintf(stderr, "pprofsum: %s: %s\n", argv[1], why);
		return 2;
	}
	type = type_index(p, argv[2]);
	if (type < 0) {
		fprintf(stderr, "pprofsum: %s has no type %s\n", argv[1], argv[2]);
		return 2;
	}
	for (i = 0; lsp_profile_sample(p, i, &s); i++) {
		for (a = 3; a < argc && matches(p, &s, argv[a]); a++)
			;
		if (a == argc)
			sum += (size_t)type == lsp_profile_types(p) ? 1 : s.values[type];
	}
	printf("%.0f\n", sum);
	lsp_profile_destroy(p);
	return 0;
}
