/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sub-commands share with main.c. A command prints, and chooses the exit status; nothing
 * below it does. Several sources define this, one for each command.
 */
#ifndef LSP_CMD_CMD_H
#define LSP_CMD_CMD_H

/* The Makefile gives the release. A compilation by hand has none. */
#ifndef LSP_RELEASE
#define LSP_RELEASE "unreleased"
#endif

/* Exit statuses of record and user, beside the command's own. */
#define LSP_EXIT_FAILED 125	/* lockspan failed, or the record is partial */
#define LSP_EXIT_NOT_RUN 126	/* the command could not be run */
#define LSP_EXIT_NOT_FOUND 127

/* Exit statuses of the other commands. */
#define LSP_EXIT_OTHER_PARTIAL 1
#define LSP_EXIT_OTHER_FAILED 2
#define LSP_EXIT_USAGE 64

/*
 * One row of the table in main.c. Dispatch, usage and the check of the man pages read this table.
 */
struct lsp_command {
	const char *name;
	int (*run)(int argc, char **argv);	/* argv[0] is "lockspan NAME" */
	const char *arguments;
	const char *summary;
};

int lsp_cmd_record(int argc, char **argv);
int lsp_cmd_user(int argc, char **argv);
int lsp_cmd_serve(int argc, char **argv);
int lsp_cmd_top(int argc, char **argv);
int lsp_cmd_gate(int argc, char **argv);
int lsp_cmd_status(int argc, char **argv);
int lsp_cmd_report(int argc, char **argv);
int lsp_cmd_graph(int argc, char **argv);
int lsp_cmd_diff(int argc, char **argv);
int lsp_cmd_compare(int argc, char **argv);
int lsp_cmd_whatif(int argc, char **argv);
int lsp_cmd_export(int argc, char **argv);

#endif
