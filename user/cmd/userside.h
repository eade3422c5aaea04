/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The userspace recorder around a command: what `lockspan user` is and what
 * `record --with-user` adds. Says on standard error what fails.
 */
#ifndef LSP_CMD_USERSIDE_H
#define LSP_CMD_USERSIDE_H

#include <limits.h>
#include <stdbool.h>

#include "record.h"

struct lsp_userside {
	struct lsp_record_options options;	/* the folder is the user side's own */
	char directory[PATH_MAX];
	char file[PATH_MAX];
	int64_t wall_ns;
	uint64_t start_ns;
	bool begun;
};

/*
 * Sets the environment for the command that is to be started next: the preload
 * library and its file, below @directory. @options: the rates and the command.
 * False: said why.
 */
bool lsp_userside_begin(struct lsp_userside *u, const struct lsp_record_options *options,
			const char *directory);

/*
 * What has been recorded up to now of where locks were initialised, for
 * @kernel, which has not finished. False: said why.
 */
bool lsp_userside_births(struct lsp_userside *u, struct lsp_collector *kernel);

/* After the command has ended: the profiles. Whether they are whole and written. */
bool lsp_userside_end(struct lsp_userside *u, int exit_status);

/* Removes what begin has made. */
void lsp_userside_uninit(struct lsp_userside *u);

#endif
