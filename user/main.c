// SPDX-License-Identifier: GPL-2.0-only
/* The table of commands. Dispatch and usage both read it, so they cannot differ. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cmd/child.h"
#include "cmd/cmd.h"
#include "cmd/say.h"

static const struct lsp_command commands[] = {
	{ "record", lsp_cmd_record, "[OPTION]... [-- COMMAND [ARGUMENT]...]",
	  "record contention and write block and mutex profiles" },
	{ "user", lsp_cmd_user, "[OPTION]... -- COMMAND [ARGUMENT]...",
	  "record contention from within the program, by a preloaded library" },
	{ "report", lsp_cmd_report, "[OPTION]... DIR|FILE...",
	  "show who waited for locks and who is to blame" },
	{ "graph", lsp_cmd_graph, "[OPTION]... DIR|FILE...",
	  "show who waits for which lock, and who had it, as a graph" },
	{ "compare", lsp_cmd_compare, "[OPTION]... DIR | KERNEL USER...",
	  "compare what the kernel saw with what the program saw" },
	{ "diff", lsp_cmd_diff, "[OPTION]... BASE NEW",
	  "show what has changed between two recordings" },
	{ "top", lsp_cmd_top, "[OPTION]... [-- COMMAND [ARGUMENT]...]",
	  "show live which locks are waited for and who holds them" },
	{ "whatif", lsp_cmd_whatif, "[OPTION]... DIR",
	  "predict what shorter holds of a lock would gain" },
	{ "serve", lsp_cmd_serve, "[OPTION]... [-- COMMAND [ARGUMENT]...]",
	  "record and offer the profiles by HTTP, as Go programs do" },
	{ "gate", lsp_cmd_gate, "[OPTION]... BASE... -- NEW...",
	  "tell whether waiting became worse between runs before and after" },
	{ "export", lsp_cmd_export, "--format FORMAT [OPTION]... DIR|FILE",
	  "print a recording in the format of another tool" },
	{ "status", lsp_cmd_status, "[--json]",
	  "show what the kernel module is doing" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
#define WORD_MAX 32

static void usage_print(FILE *to)
{
	fputs("Usage: lockspan COMMAND [OPTION]...\n"
	      "       lockspan COMMAND --help\n"
	      "       lockspan --version\n\n"
	      "Records which locks a program waits for and who is to blame.\n\nCommands:\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %s %s\n        %s\n", commands[i].name, commands[i].arguments,
			commands[i].summary);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Counts the edits between two words. A transposition counts as two. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], n = strlen(b);

	if (strlen(a) > WORD_MAX || n > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t up = row[j];

			row[j] = least(least(up, row[j - 1]) + 1,
				       corner + (a[i - 1] != b[j - 1]));
			corner = up;
		}
	}
	return row[n];
}

/* A word with at most this many edits may have been meant. */
static size_t near(const char *name)
{
	return 1 + strlen(name) / 3;
}

static int unknown_option(const char *name)
{
	static const char *const options[] = { "--help", "--version" };

	lsp_say("there is no option '%s' before a command; 'lockspan --help' says what there is", name);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (distance(name, options[i]) <= near(name))
			fprintf(stderr, "  did you mean: lockspan %s\n", options[i]);
	return LSP_EXIT_USAGE;
}

static int unknown_command(const char *name)
{
	size_t best = distance(name, "help");

	for (size_t i = 0; i < COMMANDS; i++)
		best = least(best, distance(name, commands[i].name));
	lsp_say("there is no command '%s'; 'lockspan' alone lists them", name);
	if (best > near(name))
		return LSP_EXIT_USAGE;
	if (distance(name, "help") == best)
		fprintf(stderr, "  did you mean: lockspan help\n");
	for (size_t i = 0; i < COMMANDS; i++)
		if (distance(name, commands[i].name) == best)
			fprintf(stderr, "  did you mean: lockspan %s\n", commands[i].name);
	return LSP_EXIT_USAGE;
}

static int command_run(const struct lsp_command *command, int argc, char **argv)
{
	char name[WORD_MAX + sizeof("lockspan ")];

	snprintf(name, sizeof(name), "lockspan %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

/* The exit status of what only prints. */
static int printed(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	lsp_say("standard output: %s", strerror(errno));
	return LSP_EXIT_OTHER_FAILED;
}

static int all_run(int argc, char **argv)
{
	if (argc < 2) {
		usage_print(stdout);
		return printed();
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return command_run(&commands[i], argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("lockspan %s (contract %d)\n", LSP_RELEASE, LOCKSPAN_VERSION);
		return printed();
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage_print(stdout);
		return printed();
	}
	return argv[1][0] == '-' ? unknown_option(argv[1]) : unknown_command(argv[1]);
}

struct call {
	int argc;
	char **argv;
	sigset_t mask;
	int status;
};

static void *call_run(void *arg)
{
	struct call *c = arg;

	pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
	c->status = all_run(c->argc, c->argv);
	return NULL;
}

/* The size of the stack: as much as libdw needs for known programs, and more. */
#define STACK_BYTES (8UL << 20)

/*
 * A small limit (ulimit -s) is meant for the command, which inherits it. We run in a thread with a
 * stack of its own, which also gets the signals.
 */
static int roomy_run(int argc, char **argv)
{
	struct call c = { .argc = argc, .argv = argv };
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &c.mask);
	if (pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, STACK_BYTES) ||
	    pthread_create(&thread, &attr, call_run, &c)) {
		pthread_sigmask(SIG_SETMASK, &c.mask, NULL);
		return all_run(argc, argv);
	}
	pthread_join(thread, NULL);
	return c.status;
}

int main(int argc, char **argv)
{
	struct rlimit limit;

	lsp_child_signals();
	if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur < STACK_BYTES)
		return roomy_run(argc, argv);
	return all_run(argc, argv);
}
