/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of `lockspan record` share. */
#ifndef LSP_CMD_RECORD_H
#define LSP_CMD_RECORD_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/client.h"
#include "../collect/collector.h"
#include "../results/losses.h"
#include "../results/profiles.h"
#include "folder.h"

#define LSP_RECORD_PIDS 255	/* and the command: what the module takes */

struct lsp_record_options {
	uint32_t pids[LSP_RECORD_PIDS];
	size_t npids;
	const char *cgroup;	/* as given, or NULL */
	bool all;
	uint64_t duration_ns;	/* 0: no end of its own */
	uint64_t block_rate_ns;
	uint32_t mutex_fraction;
	uint32_t user_stack_bytes;	/* that the userspace recorder copies of a stack */
	uint64_t min_delay_ns;
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

/* What is known when the recording is over. */
struct lsp_userfile_result;

struct lsp_record_result {
	int64_t wall_ns;	/* of the beginning */
	uint64_t start_ns;
	uint64_t stop_ns;
	uint32_t stack_mode;	/* that the module agreed to */
	int exit_status;	/* the command's, -1 none or still running */
	const struct lsp_userfile_result *user;	/* of the userspace recorder; NULL: the kernel's side */
	char *const *pid_commands;	/* of the options' pids, when it began; NULL: none are known */
	const struct lsp_client_report *end;	/* NULL: did not come */
	const struct lsp_client_faults *faults;
	const struct lsp_collector *collector;
	const struct lsp_profiles_summary *summary;
	const struct lsp_losses *losses;	/* and notes */
};

/* Writes DIR/record.json by way of a temporary file. 0 or -errno. */
int lsp_record_json_write(const struct lsp_record_options *o, const struct lsp_record_result *r,
			  const char *path);

/* Writes all but the span file. Whether all is written; says what is not. */
bool lsp_record_files_write(const struct lsp_record_options *o, const struct lsp_record_result *r);

/* Says on standard error what was lost. Whether that is nothing. */
bool lsp_record_losses_say(const struct lsp_losses *losses);

/* And what it came to; @see: where it is, or NULL. */
bool lsp_record_outcome_say(const struct lsp_record_result *r, const char *see);

/* Begins the folder. False: said why. */
bool lsp_record_folder_begin(struct lsp_folder *f, const struct lsp_record_options *o);

/* Commits it, or leaves what could be written. False: it was not @written, or not committed; said where it is. */
bool lsp_record_folder_end(struct lsp_folder *f, bool written);

#endif
