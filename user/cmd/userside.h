/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The userspace recorder around a command: what `lockspan user` is and what
 * `record --with-user` adds. Says on standard error what fails.
 */
#ifndef LSP_CMD_USERSIDE_H
#define LSP_CMD_USERSIDE_H

#include <limits.h>
#include <stdbool.h>

#include "../collect/collector.h"
#include "handout.h"
#include "record_options.h"

struct lsp_userside {
	struct lsp_record_options options;	/* the folders are the user side's own */
	int file;
	struct lsp_handout handout;
	int64_t wall_ns;
	uint64_t start_ns;
	bool begun;
	bool written;		/* all of its files */
	bool loaded;		/* the recorder was in one process at least */
	bool runs_on;		/* not all that it recorded has ended */
	char unfinished[PATH_MAX + 8];
};

/*
 * Sets the environment for the command that is to be started next: the preload
 * library and its file, in the folder @unfinished, which is made. @options: the rates and the command.
 * False: said why.
 */
bool lsp_userside_begin(struct lsp_userside *u, const struct lsp_record_options *options,
			const char *unfinished);

/*
 * What has been recorded up to now of where locks were initialised, for
 * @kernel, which has not finished. False: said why.
 */
bool lsp_userside_births(struct lsp_userside *u, struct lsp_collector *kernel);

/* After the command has ended: the profiles. Whether they are whole; u->written says whether they are written. */
bool lsp_userside_end(struct lsp_userside *u, int exit_status);

/* Removes the recorder's own file. */
void lsp_userside_uninit(struct lsp_userside *u);

#endif
