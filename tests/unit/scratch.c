/* SPDX-License-Identifier: GPL-2.0-only */
#include "scratch.h"

#include <ftw.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PREFIX "/tmp/lsp-test-"

static char directory[] = PREFIX "XXXXXX";

int scratch_create(void **unused)
{
	char file[] = __FILE__, subjects[512];

	(void)unused;
	strcpy(directory, PREFIX "XXXXXX");
	if (!mkdtemp(directory)) {
		strcpy(directory, PREFIX "XXXXXX");
		return -1;
	}
	snprintf(subjects, sizeof(subjects), "%s/subjects", dirname(file));
	return setenv("SCRATCH", directory, 1) || setenv("SUBJECTS", subjects, 1) ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return strncmp(path, PREFIX, strlen(PREFIX)) ? -1 : remove(path);
}

int scratch_destroy(void **unused)
{
	(void)unused;
	if (!strcmp(directory, PREFIX "XXXXXX"))
		return 0;
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

const char *scratch_directory(void)
{
	return directory;
}

const char *scratch_path(const char *name)
{
	static char paths[4][256];
	static unsigned int next;
	char *ret = paths[next++ % 4];

	snprintf(ret, sizeof(paths[0]), "%s/%s", directory, name);
	return ret;
}

int scratch_run(const char *command)
{
	int status = system(command);

	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void scratch_shell(const char *command)
{
	if (scratch_run(command))
		fail_msg("%s", command);
}
