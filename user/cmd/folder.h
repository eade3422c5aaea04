/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder of a recording. A new recording is written into a folder of its
 * own inside of it, and takes the place of an older one when it is whole:
 * until then the older one stays as it is, whatever happens to the new one.
 */
#ifndef LSP_CMD_FOLDER_H
#define LSP_CMD_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define LSP_FOLDER_UNFINISHED "lockspan.unfinished"

struct lsp_folder {
	char path[PATH_MAX];		/* where the recording will be */
	char unfinished[PATH_MAX];	/* where its files are written until they are all there */
	size_t found;			/* bytes of @path that were a folder before us */
	int lock;			/* held while we write; -1: nothing has begun */
	bool begun;			/* and neither committed nor left so far */
};

/*
 * Makes both folders, empties the inner one of what a killed recorder has left,
 * and tries a file there: a full recording with nowhere to put it is the worst
 * end. 0 or -errno; -EBUSY: another lockspan is writing there.
 */
int lsp_folder_begin(struct lsp_folder *f, const char *path);

/*
 * Puts the new files in the place of the old ones, record.json as the last: a
 * folder without it is not whole for any reader. What the old recording had and
 * the new one has not, goes. 0 or -errno; the new files stay where they are then.
 */
int lsp_folder_commit(struct lsp_folder *f);

/* Leaves the new files in the inner folder, because they are not all of them. */
void lsp_folder_leave(struct lsp_folder *f);

/* Removes what was begun and neither committed nor left, and the folders that were made for it. */
void lsp_folder_uninit(struct lsp_folder *f);

/* Makes a folder and those above it. 0 or -errno. */
int lsp_folder_make(const char *path);

/* Removes the files of a recording from a folder, and nothing else. */
void lsp_folder_clear(const char *path);

#endif
