// SPDX-License-Identifier: GPL-2.0-only
/*
 * Performs every futex operation with known partners and prints, as JSON lines,
 * what a recorder must have seen of it: the truth of the VM tests. Exits 0 when
 * every system call returned what it should, 1 when one did not.
 *
 * sources: tests/vm/futex/raw.c tests/vm/futex/park.c tests/vm/futex/stage.c
 * sources: tests/vm/futex/report.c tests/vm/futex/wait.c tests/vm/futex/wake.c
 * sources: tests/vm/futex/requeue.c tests/vm/futex/pi.c tests/vm/futex/futex2.c
 * sources: tests/vm/futex/death.c tests/vm/futex/robust.c tests/vm/futex/shared.c tests/vm/futex/compat.c
 * sources: tests/vm/futex/uring.c tests/vm/futex/crowd.c tests/vm/futex/crowd_tests.c
 * sources: workloads/c/lib/clock.c workloads/c/lib/json.c
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "futex/crowd.h"
#include "futex/report.h"
#include "futex/tests.h"

static const struct test *const tables[] = {
	tests_wait, tests_wake, tests_requeue, tests_pi, tests_futex2, tests_death, tests_robust,
	tests_shared, tests_compat, tests_uring,
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct choice {
	bool list;
	unsigned int repeat;
	struct crowd_options crowd;
	char **names;
	unsigned int names_n;
};

enum { KEY_LIST = 1, KEY_WORDS, KEY_TIMEOUT, KEY_HOLD, KEY_ROUNDS, KEY_REPEAT };

static const struct argp_option options[] = {
	{ "list", KEY_LIST, NULL, 0, "the tests and what they do", 0 },
	{ "repeat", KEY_REPEAT, "N", 0, "the whole choice N times (1)", 0 },
	{ NULL, 0, NULL, 0, "Tests of many threads:", 0 },
	{ "threads", 't', "N", 0, "threads of parked and storm (16)", 0 },
	{ "words", KEY_WORDS, "N", 0, "words of parked and storm (1)", 0 },
	{ "seconds", 's', "S", 0, "duration of storm (1)", 0 },
	{ "timeout", KEY_TIMEOUT, "US", 0, "storm's waits give up after so long (never)", 0 },
	{ "hold", KEY_HOLD, "S", 0, "parked stays for S seconds or until a line on stdin (0)", 0 },
	{ "rounds", KEY_ROUNDS, "N", 0, "rounds of a race (500)", 0 },
	{ 0 }
};

static unsigned int number(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || value > 1000000)
		argp_error(state, "'%s' is not a number up to 1000000", text);
	return (unsigned int)value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case KEY_LIST:
		choice->list = true;
		break;
	case KEY_REPEAT:
		choice->repeat = number(arg, state);
		break;
	case 't':
		choice->crowd.threads = number(arg, state);
		break;
	case KEY_WORDS:
		choice->crowd.words = number(arg, state);
		break;
	case 's':
		choice->crowd.seconds = number(arg, state);
		break;
	case KEY_TIMEOUT:
		choice->crowd.timeout_us = number(arg, state) % 1000000;
		break;
	case KEY_HOLD:
		choice->crowd.hold_seconds = number(arg, state);
		break;
	case KEY_ROUNDS:
		choice->crowd.rounds = number(arg, state);
		break;
	case ARGP_KEY_ARGS:
		choice->names = state->argv + state->next;
		choice->names_n = (unsigned int)(state->argc - state->next);
		break;
	case ARGP_KEY_END:
		if (!choice->list && !choice->names_n)
			argp_usage(state);
		if (!choice->crowd.threads || !choice->crowd.words)
			argp_error(state, "--threads and --words must not be 0");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void list(void)
{
	const struct crowd_test *crowd;
	const struct test *test;
	size_t i;

	for (i = 0; i < TABLES; i++)
		for (test = tables[i]; test->name; test++)
			printf("%-20s %s\n", test->name, test->what);
	for (crowd = crowd_tests; crowd->name; crowd++)
		printf("%-20s %s\n", crowd->name, crowd->what);
}

static bool run_test(struct stage *s, const struct test *test)
{
	bool ok;

	stage_open(s, test->name);
	test->run(s);
	stage_close(s);
	ok = report_stage(s);
	return ok;
}

/* Runs @name, or with "all" everything. Counts what it found in @found. */
static bool run_named(struct stage *s, const struct choice *choice, const char *name,
		      unsigned int *found)
{
	bool all = !strcmp(name, "all"), ok = true;
	const struct crowd_test *crowd;
	const struct test *test;
	size_t i;

	for (i = 0; i < TABLES; i++)
		for (test = tables[i]; test->name; test++)
			if (all || !strcmp(name, test->name)) {
				ok &= run_test(s, test);
				++*found;
			}
	for (crowd = crowd_tests; crowd->name; crowd++)
		if (all || !strcmp(name, crowd->name)) {
			ok &= crowd->run(&choice->crowd);
			++*found;
		}
	return ok;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "NAME...|all",
		.doc = "Futex operations with known partners.",
	};
	struct choice choice = {
		.repeat = 1,
		.crowd = { .threads = 16, .words = 1, .seconds = 1, .rounds = 500 },
	};
	struct stage *stage;
	unsigned int i, found;
	bool ok = true;

	/* The new program of exec_parked. */
	if (argc == 2 && !strcmp(argv[1], "--nothing"))
		return 0;
	argp_parse(&argp, argc, argv, 0, NULL, &choice);
	if (choice.list) {
		list();
		return 0;
	}
	stage = stage_create();
	if (!stage) {
		fprintf(stderr, "futex_ops: no memory below 4 GiB\n");
		return 2;
	}
	while (choice.repeat--)
		for (i = 0; i < choice.names_n; i++) {
			found = 0;
			ok &= run_named(stage, &choice, choice.names[i], &found);
			if (!found) {
				fprintf(stderr, "futex_ops: no test '%s'; see --list\n",
					choice.names[i]);
				return 64;
			}
		}
	return ok ? 0 : 1;
}
