/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the userspace recorder around a command: all of `lockspan user`, and what `record
 * --with-user` adds. Says on standard error what fails.
 */
#ifndef LSP_CMD_USERSIDE_H
#define LSP_CMD_USERSIDE_H

#include <limits.h>
#include <stdbool.h>

#include "../collect/collector.h"
#include "handout.h"
#include "record_options.h"

struct lsp_userside {
	struct lsp_record_options options;	/* a copy of the options, with the folders of the user's side */
	int file;
	struct lsp_handout handout;
	int64_t wall_ns;
	uint64_t start_ns;
	bool begun;
	bool written;		/* all of its files are written */
	bool loaded;		/* the recorder was in at least one process */
	bool runs_on;		/* some processes that it recorded have not ended */
	char unfinished[PATH_MAX + 8];
};

/*
 * Sets the environment for the command that is started next: the preload library and its file, in
 * the folder @unfinished, which is made. @options has the rates and the command. Returns false, and
 * says why, if it fails.
 */
bool lsp_userside_begin(struct lsp_userside *u, const struct lsp_record_options *options,
			const char *unfinished);

/*
 * Tells @kernel, which has not finished, where locks were initialised, as far as it has been
 * recorded. Returns false, and says why, if it fails.
 */
bool lsp_userside_births(struct lsp_userside *u, struct lsp_collector *kernel);

/*
 * To be called after the command has ended: makes the profiles. Returns whether they are complete;
 * u->written says whether they were written.
 */
bool lsp_userside_end(struct lsp_userside *u, int exit_status);

/* Removes the recorder's own file. */
void lsp_userside_uninit(struct lsp_userside *u);

#endif
