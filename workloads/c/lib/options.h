/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options that all workloads share, as an argp child parser. A program
 * fills struct options with its lab defaults, names options_argp as a child
 * with the struct as its input, and calls options_resolve() after parsing.
 */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include <argp.h>
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

extern const struct argp options_argp;

/*
 * Fills in what was not given from lab or, with --full, from seed. A count on the command line replaces a
 * default duration, and the other way round.
 */
void options_resolve(struct options *options);

/*
 * Returns the place of @text among the @n @names. If it is none of them, ends the program with a usage error.
 */
unsigned int options_choice(const char *text, const char *const *names, unsigned int n,
			    struct argp_state *state);

/* Parses a whole number for @key of @state, or ends the program with a usage error. */
uint64_t options_number(const char *text, uint64_t max, struct argp_state *state);

/* Parses @argc, @argv by @argp, whose children get @options. Ends the program on misuse. */
void options_parse(const struct argp *argp, int argc, char **argv, void *input);

#endif
