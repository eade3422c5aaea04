/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of a recording, which record, serve and user share. */
#ifndef LSP_CMD_RECORD_OPTIONS_H
#define LSP_CMD_RECORD_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/rates.h"

#define LSP_RECORD_PIDS 255	/* what the module takes, besides the command */

struct lsp_record_options {
	uint32_t pids[LSP_RECORD_PIDS];
	size_t npids;
	const char *cgroup;	/* as given, or NULL */
	bool all;
	uint64_t duration_ns;	/* 0: it does not end by time */
	struct lsp_rates rates;
	uint32_t user_stack_bytes;	/* how much of a stack the userspace recorder copies */
	uint32_t stack_mode;
	bool stack_both;	/* take each stack by learned rules, too, to compare the two */
	bool stack_auto;	/* sparse, or raw if the module lacks that */
	uint32_t ring_bytes;
	bool spans;
	bool cpu;		/* cpu.pb.gz as well */
	bool no_why;		/* do not ask what the holders did */
	bool with_user;		/* record with the userspace recorder, too */
	const char *user_source;	/* where the program's own profiles are, or NULL */
	bool all_frames;
	bool debuginfod;
	const char *directory;	/* where the recording will be */
	const char *unfinished;	/* where its files are written: see folder.h */
	char **command;		/* NULL: none */
	const char *keep_stream;	/* file to which the module's messages are copied, or NULL */
	const char *replay;		/* file to replay instead of asking the module, or NULL */
};

/* Sets the defaults. */
void lsp_record_options_init(struct lsp_record_options *o);

/*
 * The options that say how much of a recording is kept, and the command to record, for both recorders.
 * A caller that cannot do without a command checks itself that there is one. The input of this argp and
 * of the two below is a struct lsp_record_options.
 */
extern const struct argp lsp_record_kept_argp;

/* The options that say which files are written, and where, for the commands that write a folder. */
extern const struct argp lsp_record_files_argp;

/*
 * The options of what to record and how much of it, and the command, for a
 * command that records with the module in its own way.
 */
extern const struct argp lsp_record_what_argp;

/* Parses the command line, or exits with a usage error. */
void lsp_record_options_parse(struct lsp_record_options *o, int argc, char **argv);

#endif
