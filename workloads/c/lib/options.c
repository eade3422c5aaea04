// SPDX-License-Identifier: GPL-2.0-only
/* Options common to all workloads. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_FULL = 0x1000,
	KEY_NO_CLOCK,
	KEY_THRESHOLD,
};

static const struct argp_option table[] = {
	{ "threads", 't', "N", 0, "worker threads", 1 },
	{ "count", 'n', "N", 0, "operations per worker", 1 },
	{ "duration", 'd', "MS", 0, "run for so many milliseconds", 1 },
	{ "full", KEY_FULL, NULL, 0, "the sizes of the task's text", 1 },
	{ "no-clock", KEY_NO_CLOCK, NULL, 0, "count only: no clock reads around the locks", 1 },
	{ "threshold", KEY_THRESHOLD, "NS", 0, "lock calls from here on are \"long\" (5000)", 1 },
	{ 0 }
};

uint64_t options_number(const char *text, uint64_t max, struct argp_state *state)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > max)
		argp_error(state, "'%s' is not a number up to %llu", text, (unsigned long long)max);
	return value;
}

unsigned int options_choice(const char *text, const char *const *names, unsigned int n,
			    struct argp_state *state)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!strcmp(text, names[i]))
			return i;
	argp_error(state, "there is no variant '%s'", text);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 't':
		options->run.threads = (unsigned int)options_number(arg, 4096, state);
		break;
	case 'n':
		options->run.count = options_number(arg, UINT64_MAX, state);
		break;
	case 'd':
		options->run.duration_ms = options_number(arg, 86400000, state);
		break;
	case KEY_FULL:
		options->full = true;
		break;
	case KEY_NO_CLOCK:
		options->no_clock = true;
		break;
	case KEY_THRESHOLD:
		options->threshold_ns = options_number(arg, UINT64_MAX, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp options_argp = { .options = table, .parser = parse };

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

void options_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	if (argp_parse(argp, argc, argv, 0, NULL, input))
		exit(argp_err_exit_status);
}
