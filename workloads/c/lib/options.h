/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command lines of the workloads: options that all have, and a table of a program's own. A
 * program fills struct options and its own variables with the defaults, and calls options_parse(),
 * then options_resolve().
 */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options_size {
	unsigned int threads;
	uint64_t count;		/* number of operations of each thread; 0: run for a time */
	uint64_t duration_ms;	/* 0: run for a number of operations */
};

struct options {
	struct options_size lab;	/* defaults: small, for a slow machine */
	struct options_size seed;	/* sizes of the task's own text: --full */
	struct options_size run;	/* what to do; 0 until resolved */
	bool full;
	bool no_clock;
	uint64_t threshold_ns;
};

/* One option of a program. Exactly one of @number, @flag and @choice is set: where the value goes. */
struct options_row {
	const char *name;	/* NULL ends the table */
	const char *arg;	/* what --help calls the value of a @number */
	const char *doc;
	uint64_t *number;
	uint64_t min;
	uint64_t max;		/* 0: no limit */
	uint64_t factor;	/* *@number becomes the value times this; 0: the value */
	bool *flag;
	unsigned int *choice;	/* becomes the place of the value in @choices; this option has a short name, the first letter of @name */
	const char *const *choices;	/* ends with NULL */
};

#define OPTIONS_ROWS 7	/* how many rows a table may have, its end not counted */

/*
 * Parses the command line. @doc is the first line of --help. Ends the program on misuse.
 */
void options_parse(const struct options_row *rows, const char *doc, int argc, char **argv,
		   struct options *options);

/*
 * Fills in what was not given from lab or, with --full, from seed. A count on the command line replaces a
 * default duration, and the other way round.
 */
void options_resolve(struct options *options);

#endif
