/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder of a recording. A new recording is written into a folder within it, and takes the
 * place of an older one when it is complete. Until then the older one stays as it is, whatever
 * happens to the new one.
 */
#ifndef LSP_CMD_FOLDER_H
#define LSP_CMD_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define LSP_FOLDER_UNFINISHED "lockspan.unfinished"

struct lsp_folder {
	char path[PATH_MAX];		/* where the recording will be */
	char unfinished[PATH_MAX];	/* where its files are written until all of them are there */
	size_t found;			/* length of the part of @path that existed before */
	int lock;			/* locked while we write; -1: nothing has begun */
	bool begun;			/* begun, and neither committed nor left so far */
};

/*
 * Makes both folders, removes from the inner one what a killed recorder has left, and tries to
 * write a file there. So a recording does not find out only at its end that it cannot be written.
 * Returns 0 or -errno; -EBUSY if another lockspan is writing there.
 */
int lsp_folder_begin(struct lsp_folder *f, const char *path);

/*
 * Puts the new files in the place of the old ones, record.json last: a folder without it is not
 * complete for any reader. Files that only the old recording had are removed. Returns 0 or -errno;
 * then the new files stay where they are.
 */
int lsp_folder_commit(struct lsp_folder *f);

/* Leaves the new files in the inner folder, because some are missing. */
void lsp_folder_leave(struct lsp_folder *f);

/* Removes what was begun and neither committed nor left, and the folders that were made for it. */
void lsp_folder_uninit(struct lsp_folder *f);

/* Makes a folder, and those above it. Returns 0 or -errno. */
int lsp_folder_make(const char *path);

/* Removes the files of a recording from a folder, and nothing else. */
void lsp_folder_clear(const char *path);

#endif
