// SPDX-License-Identifier: GPL-2.0-only
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner.h"

#define LOCK "lock"
#define RECORD "record.json"

/* The files of a recording, without record.json, which makes it complete. */
static const char *const files[] = {
	"block.pb.gz", "mutex.pb.gz", "contention.ext.pb.gz", "spans.lspan", "cpu.pb.gz",
};
#define FILES (sizeof(files) / sizeof(files[0]))

/* Returns false, and @to must not be used, if the name is too long. */
static bool path_join(char *to, const char *folder, const char *name)
{
	return (size_t)snprintf(to, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* @found gets the length of the part of @path that was there. */
static int make(const char *path, size_t *found)
{
	char *copy = strdup(path);
	int err = 0;

	*found = 0;
	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; !err; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		/*
		 * "a//b/" is a/b. Otherwise a folder that was made here would be found a character
		 * later.
		 */
		if (p[-1] != '/' && !mkdir(copy, 0777)) {
			lsp_owner_give(copy);
		} else if (p[-1] != '/') {
			int why = errno;	/* is_folder() has errors of its own */

			if (why == EEXIST || is_folder(copy))
				*found = (size_t)(p - copy);
			else
				err = -why;
		}
		*p = c;
		if (!c)
			break;
	}
	if (!err && !is_folder(path))
		err = -ENOTDIR;
	free(copy);
	return err;
}

int lsp_folder_make(const char *path)
{
	size_t found;

	return make(path, &found);
}

/* Removes the folders that make() has made, the innermost first. */
static void unmake(const char *path, size_t found)
{
	char *copy = strdup(path);

	for (size_t n = copy ? strlen(copy) : 0; n > found; n--) {
		if (copy[n] && copy[n] != '/')
			continue;
		copy[n] = '\0';
		if (rmdir(copy) && errno != ENOENT)
			break;
	}
	free(copy);
}

static bool is_recording_file(const char *name, size_t bytes)
{
	for (size_t i = 0; i < FILES; i++)
		if (strlen(files[i]) == bytes && !memcmp(name, files[i], bytes))
			return true;
	return bytes == strlen(RECORD) && !memcmp(name, RECORD, bytes);
}

/*
 * Files that a broken-off attempt to write leaves: "block.pb.gz.Xa3b9Z", "record.json.tmp",
 * "events.tmp".
 */
static bool is_remnant(const char *name)
{
	const char *last = strrchr(name, '.');

	return last && (is_recording_file(name, (size_t)(last - name)) ||
			(!strncmp(name, "events.", strlen("events.")) && !strcmp(last, ".tmp")));
}

static void clear(const char *path, bool remnants)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_recording_file(e->d_name, strlen(e->d_name)) || (remnants && is_remnant(e->d_name)))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

void lsp_folder_clear(const char *path)
{
	clear(path, false);
}

/* This includes the program's own side, which is a recording within a recording. */
static void clear_all(const char *path)
{
	static const char *const inner[] = { "user/before", "user" };
	char folder[PATH_MAX];

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		if (!path_join(folder, path, inner[i]))
			continue;
		clear(folder, true);
		rmdir(folder);
	}
	clear(path, true);
}

/* The folder must be ours, not a link that somebody has put there. */
static int unfinished_make(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0777))
		return 0;
	if (errno != EEXIST || lstat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) && (st.st_uid == geteuid() || lsp_owner_is(st.st_uid)) ? 0 : -EEXIST;
}

/*
 * The lock is a file in the inner folder. A file that is opened for writing can be locked over NFS,
 * too.
 */
static int lock_take(struct lsp_folder *f)
{
	char name[PATH_MAX];
	struct stat held, there;
	int err;

	if (!path_join(name, f->unfinished, LOCK))
		return -ENAMETOOLONG;
	/*
	 * Another lockspan may finish between our open and our lock. Then its file is gone, with
	 * the folder.
	 */
	for (int tries = 0; tries < 16; tries++) {
		err = unfinished_make(f->unfinished);
		if (err)
			return err;
		f->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (f->lock < 0 && errno == ENOENT)
			continue;
		if (f->lock < 0)
			return -errno;
		/* If the file system has no locks, that is no reason to refuse. */
		if (flock(f->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
			err = -EBUSY;
			break;
		}
		if (!fstat(f->lock, &held) && !stat(name, &there) && held.st_ino == there.st_ino)
			return 0;
		close(f->lock);
	}
	if (err)
		close(f->lock);
	f->lock = -1;
	return err ? err : -EBUSY;
}

static void lock_drop(struct lsp_folder *f)
{
	char name[PATH_MAX];

	if (f->lock < 0)
		return;
	if (path_join(name, f->unfinished, LOCK))
		unlink(name);
	rmdir(f->unfinished);
	close(f->lock);
	f->lock = -1;
}

static int file_try(const char *folder)
{
	char name[PATH_MAX];
	int fd;

	if (!path_join(name, folder, RECORD ".XXXXXX"))
		return -ENAMETOOLONG;
	fd = mkstemp(name);
	if (fd < 0)
		return -errno;
	close(fd);
	unlink(name);
	return 0;
}

int lsp_folder_begin(struct lsp_folder *f, const char *path)
{
	int err;

	*f = (struct lsp_folder){ .lock = -1 };
	if ((size_t)snprintf(f->path, sizeof(f->path), "%s", path) >= sizeof(f->path) ||
	    !path_join(f->unfinished, path, LSP_FOLDER_UNFINISHED))
		return -ENAMETOOLONG;
	err = make(path, &f->found);
	if (!err)
		err = lock_take(f);
	if (err) {
		unmake(path, f->found);
		return err;
	}
	f->begun = true;
	clear_all(f->unfinished);
	err = file_try(f->unfinished);
	if (err)
		lsp_folder_uninit(f);
	return err;
}

/* Gives what is in the inner folder to the user who came by sudo. */
static void files_give(const char *folder)
{
	static const char *const inner[] = { "", "user", "user/before" };
	char path[PATH_MAX], name[PATH_MAX];

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		if (!path_join(path, folder, inner[i]))
			continue;
		for (size_t k = 0; k < FILES; k++)
			if (path_join(name, path, files[k]))
				lsp_owner_give(name);
		if (path_join(name, path, RECORD))
			lsp_owner_give(name);
	}
}

/*
 * Moves one file from one folder to another. If there is none, removes the one in the other folder.
 */
static int file_move(const char *from, const char *to, const char *name)
{
	char source[PATH_MAX], target[PATH_MAX];

	if (!path_join(source, from, name) || !path_join(target, to, name))
		return -ENAMETOOLONG;
	if (!rename(source, target))
		return 0;
	if (errno != ENOENT)
		return -errno;
	return unlink(target) && errno != ENOENT ? -errno : 0;
}

static int record_unlink(const char *folder)
{
	char name[PATH_MAX];

	if (!path_join(name, folder, RECORD))
		return -ENAMETOOLONG;
	return unlink(name) && errno != ENOENT ? -errno : 0;
}

static int files_move(const char *from, const char *to)
{
	int err = record_unlink(to);

	for (size_t i = 0; !err && i < FILES; i++)
		err = file_move(from, to, files[i]);
	return err;
}

/* @replaces: there was a recording, so its other side is removed with it. */
static int user_move(const char *from, const char *to, bool replaces)
{
	char source[PATH_MAX], target[PATH_MAX];
	int err;

	if (!path_join(source, from, "user") || !path_join(target, to, "user"))
		return -ENAMETOOLONG;
	if (!is_folder(source)) {
		if (replaces) {
			lsp_folder_clear(target);
			rmdir(target);
		}
		return 0;
	}
	err = lsp_folder_make(target);
	if (!err)
		err = files_move(source, target);
	if (!err)
		err = file_move(source, target, RECORD);
	if (!err)
		rmdir(source);
	return err;
}

int lsp_folder_commit(struct lsp_folder *f)
{
	char record[PATH_MAX];
	bool replaces = path_join(record, f->path, RECORD) && !access(record, F_OK);
	int err;

	files_give(f->unfinished);
	err = files_move(f->unfinished, f->path);
	if (!err)
		err = user_move(f->unfinished, f->path, replaces);
	if (!err)
		err = file_move(f->unfinished, f->path, RECORD);
	f->begun = false;
	lock_drop(f);
	return err;
}

void lsp_folder_leave(struct lsp_folder *f)
{
	f->begun = false;
	files_give(f->unfinished);
	lsp_owner_give(f->unfinished);
	lock_drop(f);
}

void lsp_folder_uninit(struct lsp_folder *f)
{
	if (!f->begun)
		return;
	f->begun = false;
	clear_all(f->unfinished);
	lock_drop(f);
	unmake(f->path, f->found);
}
