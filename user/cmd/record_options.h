/* SPDX-License-Identifier: GPL-2.0-only */
/* What a recording is asked for; record, serve and user share it. */
#ifndef LSP_CMD_RECORD_OPTIONS_H
#define LSP_CMD_RECORD_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/rates.h"

#define LSP_RECORD_PIDS 255	/* and the command: what the module takes */

struct lsp_record_options {
	uint32_t pids[LSP_RECORD_PIDS];
	size_t npids;
	const char *cgroup;	/* as given, or NULL */
	bool all;
	uint64_t duration_ns;	/* 0: no end of its own */
	struct lsp_rates rates;
	uint32_t user_stack_bytes;	/* that the userspace recorder copies of a stack */
	uint32_t stack_mode;
	bool stack_both;	/* by learned rules too, to compare the two */
	bool stack_auto;	/* sparse, or raw where the module has it not */
	uint32_t ring_bytes;
	bool spans;
	bool cpu;		/* cpu.pb.gz as well */
	bool with_user;		/* the userspace recorder, too */
	const char *user_source;	/* where the program's own profiles are, or NULL */
	bool all_frames;
	bool debuginfod;
	const char *directory;	/* where the recording will be */
	const char *unfinished;	/* where its files are written: see folder.h */
	char **command;		/* NULL: none */
	const char *keep_stream;	/* file for what the module sends, or NULL */
	const char *replay;		/* file to record from instead of the module, or NULL */
};

/* Sets the defaults. */
void lsp_record_options_init(struct lsp_record_options *o);

/*
 * The options of what to record and how much of it, and the command, for a
 * command that does it in its own way; its input is a struct lsp_record_options.
 */
extern const struct argp lsp_record_what_argp;

/* Parses or leaves with a usage error. */
void lsp_record_options_parse(struct lsp_record_options *o, int argc, char **argv);

#endif
