/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory of a test's own below /tmp. Shell commands find it as $SCRATCH
 * and the programs' sources as $SUBJECTS; no path is ever pasted into one.
 */
#ifndef LSP_TESTS_SCRATCH_H
#define LSP_TESTS_SCRATCH_H

/* Makes it. Returns 0 or -1. This one and the next can be the set-up and the tear-down of a group of tests. */
int scratch_create(void **unused);

/* Removes what scratch_create() made, and nothing outside of it. Returns 0 or -1. */
int scratch_destroy(void **unused);

const char *scratch_directory(void);

/* Returns the path of a file in it, which is valid until the fourth call after this one. */
const char *scratch_path(const char *name);

/* Runs a shell command. Returns its exit status, or -1 if a signal ended it. */
int scratch_run(const char *command);

/* Runs a shell command, which must succeed. */
void scratch_shell(const char *command);

#endif
