// SPDX-License-Identifier: GPL-2.0-only
/* lockspan export: a recording in the formats of other tools. */
#include <argp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../export/folded.h"
#include "../export/otlp.h"
#include "../export/speedscope.h"
#include "cmd.h"
#include "export_events.h"
#include "export_trace.h"
#include "load.h"
#include "reading.h"
#include "say.h"

struct export_options {
	const struct format *format;
	const char *kind;	/* NULL: as the format has it */
	const char *path;
};

/* A recording, its stacks, and for which of the two kinds they are wanted. */
struct export {
	struct lsp_recording recording;
	struct lsp_export_frames frames;
	struct lsp_export_stacks stacks[2];
	bool wanted[2];
};

static const struct {
	const char *name;
	enum lsp_part part;
	const char *title;
} kinds[2] = {
	{ "waits", LSP_PART_BLOCK, "waits: who waited, and where" },
	{ "releases", LSP_PART_MUTEX, "releases: who held a lock while others waited" },
};

struct format {
	const char *name;
	enum lsp_export_detail detail;
	bool both;	/* has both kinds if none is chosen, otherwise waits */
	bool binary;
	bool profiles;	/* is made from the profiles themselves, not from their stacks */
	/* Of the next two one is not NULL. Writes what is wanted of the stacks or profiles. Returns 0 or -EIO, which has been said. */
	int (*write)(const struct export *x, const char *name);
	/* Writes the single events. Returns the exit status. */
	int (*events)(const char *recording);
};

static int folded_write(const struct export *x, const char *name)
{
	(void)name;
	lsp_export_folded(stdout, &x->frames, &x->stacks[x->wanted[0] ? 0 : 1]);
	return lsp_reading_finish(NULL) ? 0 : -EIO;
}

static int speedscope_write(const struct export *x, const char *name)
{
	struct lsp_export_view views[2];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++)
		if (x->wanted[i])
			views[n++] = (struct lsp_export_view){ kinds[i].title, &x->stacks[i] };
	return lsp_reading_finish(lsp_export_speedscope(&x->frames, views, n, name, "lockspan " LSP_RELEASE)) ? 0 : -EIO;
}

static int otlp_write(const struct export *x, const char *name)
{
	struct lsp_export_otlp_view views[2];
	size_t n = 0;
	int err;

	(void)name;
	for (size_t i = 0; i < 2; i++)
		if (x->wanted[i])
			views[n++] = (struct lsp_export_otlp_view){ kinds[i].name, x->recording.parts[kinds[i].part] };
	err = lsp_export_otlp(stdout, views, n, LSP_RELEASE);
	if (err)
		return err;
	return lsp_reading_finish(NULL) ? 0 : -EIO;
}

static const struct format formats[] = {
	{ .name = "json", .events = lsp_export_events },
	{ .name = "folded", .detail = LSP_EXPORT_FUNCTIONS, .write = folded_write },
	{ .name = "speedscope", .detail = LSP_EXPORT_LINES, .both = true, .write = speedscope_write },
	{ .name = "trace", .binary = true, .events = lsp_export_timeline },
	{ .name = "otlp", .both = true, .binary = true, .profiles = true, .write = otlp_write },
};

static const struct argp_option options[] = {
	{ "format", 'f', "FORMAT", 0, "json (single events, of a recording made with --spans), folded (stacks for "
	  "flamegraph.pl), speedscope, trace (a timeline of single events for Perfetto) or otlp (OpenTelemetry's profiles)", 0 },
	{ "json", 'j', NULL, 0, "The same as --format json", 0 },
	{ "kind", 'k', "KIND", 0, "waits (the default of folded) or releases; speedscope and otlp have both unless told otherwise", 0 },
	{ 0 }
};

static const struct format *format_find(const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(name, formats[i].name))
			return &formats[i];
	argp_error(state, "'%s' is no format: json, folded, speedscope, trace or otlp", name);
	return NULL;
}

static void consistency_check(const struct export_options *o, struct argp_state *state)
{
	if (!o->path)
		argp_error(state, "which recording? give its folder or a file of it");
	if (!o->format)
		argp_error(state, "which format? give --json or --format folded, speedscope, trace or otlp");
	if (o->kind && strcmp(o->kind, kinds[0].name) && strcmp(o->kind, kinds[1].name))
		argp_error(state, "'%s' is no kind: waits or releases", o->kind);
	if (o->kind && !o->format->write)
		argp_error(state, "--format %s has every event; --kind is for stacks", o->format->name);
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct export_options *o = state->input;

	switch (key) {
	case 'f':
		o->format = format_find(arg, state);
		return 0;
	case 'j':
		o->format = format_find("json", state);
		return 0;
	case 'k':
		o->kind = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (o->path)
			argp_error(state, "more than one recording: %s", arg);
		o->path = arg;
		return 0;
	case ARGP_KEY_END:
		consistency_check(o, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Loads what is wanted of the recording. Returns 0, -ENODATA, which has been said, or another -errno. */
static int stacks_load(struct export *x, const struct export_options *o, bool *partial)
{
	if (!lsp_load(&x->recording, o->path, partial))
		return -ENODATA;
	for (size_t i = 0; i < 2; i++) {
		const struct lsp_profile *p = x->recording.parts[kinds[i].part];
		int column = p ? lsp_part_column(p, "delay") : -1, err = 0;

		x->wanted[i] = o->kind ? !strcmp(o->kind, kinds[i].name) : o->format->both ? p != NULL : !i;
		if (!x->wanted[i])
			continue;
		if (column < 0) {
			lsp_say("%s has no profile of %s", o->path, kinds[i].name);
			return -ENODATA;
		}
		if (!o->format->profiles)
			err = lsp_export_stacks_add(&x->stacks[i], &x->frames, p, (size_t)column, o->format->detail);
		if (err)
			return err;
	}
	return 0;
}

static int stacks_export(const struct export_options *o)
{
	struct export x = { .wanted = { false } };
	bool partial = false;
	int err = stacks_load(&x, o, &partial);

	if (!err)
		err = o->format->write(&x, o->path);
	if (err && err != -ENODATA && err != -EIO)
		lsp_say("%s: %s", o->path, lsp_say_errno(-err));
	for (size_t i = 0; i < 2; i++)
		lsp_export_stacks_uninit(&x.stacks[i]);
	lsp_export_frames_uninit(&x.frames);
	lsp_recording_uninit(&x.recording);
	return err ? LSP_EXIT_OTHER_FAILED : partial ? LSP_EXIT_OTHER_PARTIAL : 0;
}

int lsp_cmd_export(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse, .args_doc = "DIR|FILE",
		.doc = "Prints a recording in the format of another tool."
		       "\vStacks have the time that was waited (waits), or for which a lock was held while others waited "
		       "(releases), in ns.\n\n"
		       "The exit status is 0, 1 when the recording is partial, damaged or cut off and what could be "
		       "read was printed, 2 when nothing could be read, 64 for a usage error.",
	};
	struct export_options o = { 0 };

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.format->binary && isatty(STDOUT_FILENO)) {
		lsp_say("format %s is binary; write it to a file: lockspan export --format %s %s >FILE", o.format->name,
			o.format->name, o.path);
		return LSP_EXIT_OTHER_FAILED;
	}
	return o.format->events ? o.format->events(o.path) : stacks_export(&o);
}
