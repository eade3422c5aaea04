// SPDX-License-Identifier: GPL-2.0-only
#include "folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int folder_make(const char *path)
{
	char *copy = strdup(path);
	int err = 0;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; !err; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			err = -errno;
		*p = c;
		if (!c)
			break;
	}
	free(copy);
	return err;
}

/* A full recording with nowhere to put it is the worst end: try a file first. */
int lsp_folder_check(const char *path)
{
	int err = folder_make(path), fd;
	char name[PATH_MAX];

	if (!err && (size_t)snprintf(name, sizeof(name), "%s/.lockspan-XXXXXX", path) >= sizeof(name))
		err = -ENAMETOOLONG;
	if (err)
		return err;
	fd = mkstemp(name);
	if (fd < 0)
		return -errno;
	close(fd);
	unlink(name);
	return 0;
}

void lsp_folder_clear(const char *path)
{
	static const char *const names[] = {
		"block.pb.gz", "mutex.pb.gz", "contention.ext.pb.gz", "record.json", "spans.lspan", "cpu.pb.gz",
	};
	char name[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names[i]);
		unlink(name);
	}
}
