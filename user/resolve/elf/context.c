/* SPDX-License-Identifier: GPL-2.0-only */
/* Each sentence is said once, because a file may be met a thousand times. */
#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../base/index.h"

/* After so many different complaints nobody reads on. */
#define WARNED_MAX 4096

/*
 * How many descriptors are left for profiles, the socket and other files. If the limit is small, a
 * quarter is left.
 */
#define SPARE_FILES 64

static rlim_t spare_files(rlim_t all)
{
	return all / 4 < SPARE_FILES ? all / 4 : SPARE_FILES;
}

void lsp_elf_context_uninit(struct lsp_elf_context *c)
{
	free(c->warned);
	free(c->debug_dir);
}

static bool said(struct lsp_elf_context *c, const char *sentence)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (; *sentence; sentence++)
		hash = (hash ^ (unsigned char)*sentence) * 0x100000001b3ULL;
	for (i = 0; i < c->nwarned; i++)
		if (c->warned[i] == hash)
			return true;
	if (c->nwarned == WARNED_MAX)
		return true;
	if (lsp_array_grow(&c->warned, &c->warned_room, c->nwarned, sizeof(*c->warned)))
		return false;
	c->warned[c->nwarned++] = hash;
	return false;
}

bool lsp_elf_warn(struct lsp_elf_context *c, const char *format, ...)
{
	char sentence[4096 + 256];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (said(c, sentence))
		return false;
	if (c->warn)
		c->warn(c->warn_arg, sentence);
	return true;
}

void lsp_elf_changed_warn(struct lsp_elf_context *c, const char *path)
{
	c->changed += lsp_elf_warn(c, "%s was written to during the recording: its code has no names, since they "
				   "could be those of another content", path);
}

int lsp_elf_file_open(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	struct rlimit limit;

	if ((fd < 0 && errno != EMFILE) || getrlimit(RLIMIT_NOFILE, &limit))
		return fd;
	if (fd >= 0 && (rlim_t)fd + spare_files(limit.rlim_max) < limit.rlim_cur)
		return fd;
	/*
	 * this is done late, so that commands that are started before have the limit that they
	 * expect
	 */
	limit.rlim_cur = limit.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &limit) && fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	if (fd >= 0 && (rlim_t)fd + spare_files(limit.rlim_max) >= limit.rlim_max) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	return fd;
}
