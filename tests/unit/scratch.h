/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory of a test's own below /tmp. Shell commands find it as $SCRATCH
 * and the programs' sources as $SUBJECTS; no path is ever pasted into one.
 */
#ifndef LSP_TESTS_SCRATCH_H
#define LSP_TESTS_SCRATCH_H

/* Makes it. 0 or -1. This one and the next can be the set-up and the tear-down of a group of tests. */
int scratch_create(void **unused);

/* Removes what scratch_create() made, and nothing that does not lie in it. 0 or -1. */
int scratch_destroy(void **unused);

const char *scratch_directory(void);

/* Path of a file in it; valid until the fourth call after. */
const char *scratch_path(const char *name);

/* Runs a shell command. Its exit status; -1 for a signal. */
int scratch_run(const char *command);

#endif
