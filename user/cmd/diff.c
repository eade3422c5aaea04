// SPDX-License-Identifier: GPL-2.0-only
/* lockspan diff: what has changed between two recordings. */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../report/diff.h"
#include "cmd.h"
#include "load.h"
#include "parse.h"
#include "reading.h"
#include "say.h"

struct diff_options {
	struct lsp_reading reading;
	enum lsp_per per;
	double operations[2];	/* 0: not given */
	const char *paths[2];
	size_t npaths;
};

static const struct argp_option options[] = {
	LSP_READING_OPTIONS(""),
	{ "per", 'p', "UNIT", 0, "Divide by the recordings' length (second), or by what the program "
	  "has done in them (operation; needs --operations)", 0 },
	{ "operations", 'o', "N[,M]", 0, "The program made N operations in BASE and M (or N) in NEW", 0 },
	{ 0 }
};

static void operations_parse(struct diff_options *o, const char *arg, struct argp_state *state)
{
	const char *comma = strchr(arg, ',');
	char first[64];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(arg, ","), arg);
	if (!lsp_text_amount(first, "", &o->operations[0]) ||
	    !lsp_text_amount(comma ? comma + 1 : first, "", &o->operations[1]))
		argp_error(state, "--operations wants one or two numbers above 0, as in 20000 or 20000,18000");
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct diff_options *o = state->input;

	switch (key) {
	case 'p':
		if (strcmp(arg, "second") && strcmp(arg, "operation"))
			argp_error(state, "--per %s: there is second and operation", arg);
		o->per = *arg == 's' ? LSP_PER_SECOND : LSP_PER_OPERATION;
		return 0;
	case 'o':
		operations_parse(o, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (o->npaths == 2)
			argp_error(state, "two recordings are compared, not more: %s", arg);
		o->paths[o->npaths++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->npaths != 2)
			argp_error(state, "which two recordings? give BASE and NEW");
		if ((o->per == LSP_PER_OPERATION) != (o->operations[0] > 0))
			argp_error(state, "--per operation and --operations belong together");
		return 0;
	}
	return lsp_reading_parse(&o->reading, key, arg, state);
}

/* Returns the number by which a side is divided; 0 if it is not known. */
static double divisor(const struct diff_options *o, const struct lsp_recording *r, int side)
{
	struct lsp_facts_totals t;
	double ns;

	if (o->per == LSP_PER_RUN)
		return 1;
	if (o->per == LSP_PER_OPERATION)
		return o->operations[side];
	lsp_facts_totals(&r->facts, &t);
	ns = t.duration_ns;
	for (int part = 0; part < LSP_PART_COUNT && ns <= 0; part++)
		if (r->parts[part])
			ns = (double)lsp_profile_duration_ns(r->parts[part]);
	if (ns <= 0)
		lsp_say("%s: it does not say how long it was recorded; compare folders, which have a "
			"record.json, or use --per operation", o->paths[side]);
	return ns > 0 ? ns / 1e9 : 0;
}

static bool has_samples(const struct lsp_recording *r, const char *path)
{
	if (lsp_load_samples(r))
		return true;
	lsp_say("%s: nobody waited in it", path);
	return false;
}

static const char *first_part(const struct lsp_recording *r)
{
	int part = 0;

	while (part < LSP_PART_COUNT - 1 && !r->parts[part])
		part++;
	return lsp_part_name((enum lsp_part)part);
}

static bool diff_write(const struct diff_options *o, const struct lsp_recording r[2])
{
	double base = divisor(o, &r[0], 0), new = divisor(o, &r[1], 1);
	struct json_object *json = NULL;
	struct lsp_diff d;
	int err;

	if (!base || !new)
		return false;
	err = lsp_diff_create(&r[0], &r[1], o->reading.by, o->per, base, new, &d);
	if (err) {
		if (err == -EINVAL)
			lsp_say("%s and %s cannot be compared: a %s profile here, a %s profile there",
				o->paths[0], o->paths[1], first_part(&r[0]), first_part(&r[1]));
		else
			lsp_say("%s", lsp_say_errno(ENOMEM));
		return false;
	}
	if (o->reading.json)
		json = lsp_diff_json(&d, o->reading.top);
	else
		lsp_diff_text(stdout, &d, o->reading.top);
	lsp_diff_destroy(&d);
	return lsp_reading_finish(json);
}

int lsp_cmd_diff(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse, .args_doc = "BASE NEW",
		.doc = "Shows what has changed from recording BASE to recording NEW. A decrease is a "
		       "negative number. Each recording is a folder or a profile."
		       "\vThe exit status is 0, 1 when a recording is partial or not all of it could be "
		       "read, 2 when they cannot be compared, 64 for a usage error.",
	};
	struct diff_options o = { .reading = LSP_READING_DEFAULT };
	struct lsp_recording r[2] = { 0 };
	bool partial = false, ok = true;

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	for (int i = 0; i < 2; i++)
		ok &= lsp_load(&r[i], o.paths[i], &partial);
	for (int i = 0; ok && i < 2; i++)
		partial |= !has_samples(&r[i], o.paths[i]) && !r[i].facts.n;
	ok = ok && diff_write(&o, r);
	for (int i = 0; i < 2; i++)
		lsp_recording_uninit(&r[i]);
	return !ok ? LSP_EXIT_OTHER_FAILED : partial ? LSP_EXIT_OTHER_PARTIAL : 0;
}
