// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHOICES_BYTES 80

enum {
	KEY_FULL = 0x1000, KEY_NO_CLOCK, KEY_THRESHOLD,
	KEY_ROWS = 0x2000,
};

/* What the parser works on. */
struct input {
	struct options *options;
	const struct options_row *rows;
	const struct argp_option *own;	/* made of @rows, in their order */
};

static const struct argp_option common[] = {
	{ "threads", 't', "N", 0, "worker threads", 1 },
	{ "count", 'n', "N", 0, "operations per worker", 1 },
	{ "duration", 'd', "MS", 0, "run for so many milliseconds", 1 },
	{ "full", KEY_FULL, NULL, 0, "the sizes of the task's text", 1 },
	{ "no-clock", KEY_NO_CLOCK, NULL, 0, "count only: no clock reads around the locks", 1 },
	{ "threshold", KEY_THRESHOLD, "NS", 0, "lock calls from here on are \"long\" (5000)", 1 },
	{ 0 }
};

static uint64_t number_parse(const char *text, uint64_t min, uint64_t max, struct argp_state *state)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		argp_error(state, "'%s' is not a number from %llu to %llu", text,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}

static unsigned int choice_parse(const char *text, const char *const *choices, struct argp_state *state)
{
	unsigned int i;

	for (i = 0; choices[i]; i++)
		if (!strcmp(text, choices[i]))
			return i;
	argp_error(state, "there is no variant '%s'", text);
	return 0;
}

static void row_parse(const struct options_row *row, const char *arg, struct argp_state *state)
{
	if (row->flag)
		*row->flag = true;
	else if (row->choice)
		*row->choice = choice_parse(arg, row->choices, state);
	else
		*row->number = number_parse(arg, row->min, row->max ? row->max : UINT64_MAX, state) *
			       (row->factor ? row->factor : 1);
}

static error_t own_parse(int key, char *arg, struct argp_state *state)
{
	const struct input *in = state->input;
	unsigned int i;

	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = in->options;
		return 0;
	}
	for (i = 0; in->rows[i].name; i++) {
		if (key == in->own[i].key) {
			row_parse(&in->rows[i], arg, state);
			return 0;
		}
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t common_parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 't':
		options->run.threads = (unsigned int)number_parse(arg, 0, 4096, state);
		break;
	case 'n':
		options->run.count = number_parse(arg, 0, UINT64_MAX, state);
		break;
	case 'd':
		options->run.duration_ms = number_parse(arg, 0, 86400000, state);
		break;
	case KEY_FULL:
		options->full = true;
		break;
	case KEY_NO_CLOCK:
		options->no_clock = true;
		break;
	case KEY_THRESHOLD:
		options->threshold_ns = number_parse(arg, 0, UINT64_MAX, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* "mutex|rwlock" */
static void choices_text(const char *const *choices, char *text)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; choices[i]; i++)
		n += (size_t)snprintf(text + n, CHOICES_BYTES - n, "%s%s", i ? "|" : "", choices[i]);
}

void options_parse(const struct options_row *rows, const char *doc, int argc, char **argv,
		   struct options *options)
{
	static const struct argp common_argp = { .options = common, .parser = common_parse };
	static const struct argp_child children[] = { { &common_argp, 0, NULL, 0 }, { 0 } };
	struct argp_option own[OPTIONS_ROWS + 1] = { 0 };
	struct argp argp = { .options = own, .parser = own_parse, .doc = doc, .children = children };
	struct input in = { .options = options, .rows = rows, .own = own };
	char choices[CHOICES_BYTES];
	unsigned int i;

	for (i = 0; rows[i].name; i++) {
		assert(i < OPTIONS_ROWS);
		own[i] = (struct argp_option){ .name = rows[i].name, .arg = rows[i].arg, .doc = rows[i].doc };
		own[i].key = rows[i].choice ? rows[i].name[0] : KEY_ROWS + (int)i;
		if (rows[i].choice) {
			choices_text(rows[i].choices, choices);
			own[i].arg = choices;
		}
	}
	if (argp_parse(&argp, argc, argv, 0, NULL, &in))
		exit(argp_err_exit_status);
}

void options_resolve(struct options *options)
{
	const struct options_size *size = options->full ? &options->seed : &options->lab;
	struct options_size *run = &options->run;

	if (!run->threads)
		run->threads = size->threads;
	if (!run->count && !run->duration_ms) {
		run->count = size->count;
		run->duration_ms = size->duration_ms;
	}
	if (!options->threshold_ns)
		options->threshold_ns = 5000;
}
