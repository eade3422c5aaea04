/* SPDX-License-Identifier: GPL-2.0-only */
/* Life of the set of opened files, and what it says to its listener. */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../base/maptext.h"

/* Beyond this many different complaints nobody reads on. */
#define WARNED_MAX 4096

/* Descriptors left for profiles, the socket and whatever else is opened; of few, a quarter is left. */
#define SPARE_FILES 64

static rlim_t spare_files(rlim_t all)
{
	return all / 4 < SPARE_FILES ? all / 4 : SPARE_FILES;
}

int lsp_elf_cache_create(const struct lsp_elf_options *options, struct lsp_elf_cache **ret)
{
	const char *debug_dir = options && options->debug_dir ? options->debug_dir : "/usr/lib/debug";
	struct lsp_elf_cache *c;

	elf_version(EV_CURRENT);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->debug_dir = strdup(debug_dir);
	if (!c->debug_dir) {
		free(c);
		return -ENOMEM;
	}
	if (options) {
		c->debuginfod = options->debuginfod;
		c->foreign_pids = options->foreign_pids;
		c->begun_ns = options->begun_ns;
		c->warn = options->warn;
		c->warn_arg = options->warn_arg;
	}
	*ret = c;
	return 0;
}

void lsp_elf_cache_destroy(struct lsp_elf_cache *cache)
{
	if (!cache)
		return;
	lsp_elf_free_all(cache);
	free(cache->warned);
	free(cache->debug_dir);
	free(cache);
}

static bool said(struct lsp_elf_cache *c, const char *sentence)
{
	uint64_t hash = 0xcbf29ce484222325ULL, *more;
	size_t i;

	for (; *sentence; sentence++)
		hash = (hash ^ (unsigned char)*sentence) * 0x100000001b3ULL;
	for (i = 0; i < c->nwarned; i++)
		if (c->warned[i] == hash)
			return true;
	if (c->nwarned == WARNED_MAX)
		return true;
	if (!(c->nwarned & (c->nwarned - 1))) {
		more = realloc(c->warned, (c->nwarned ? 2 * c->nwarned : 1) * sizeof(*more));
		if (!more)
			return false;
		c->warned = more;
	}
	c->warned[c->nwarned++] = hash;
	return false;
}

size_t lsp_elf_unopened(const struct lsp_elf_cache *cache)
{
	return cache->unopened;
}

size_t lsp_elf_changed(const struct lsp_elf_cache *cache)
{
	return cache->changed;
}

bool lsp_elf_warn(struct lsp_elf_cache *cache, const char *format, ...)
{
	char sentence[4096 + 256];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (said(cache, sentence))
		return false;
	if (cache->warn)
		cache->warn(cache->warn_arg, sentence);
	return true;
}

int lsp_elf_file_open(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	struct rlimit limit;

	if ((fd < 0 && errno != EMFILE) || getrlimit(RLIMIT_NOFILE, &limit))
		return fd;
	if (fd >= 0 && (rlim_t)fd + spare_files(limit.rlim_max) < limit.rlim_cur)
		return fd;
	/* late, so that commands that are started at first have the limit they know */
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

bool lsp_elf_still_mapped(const struct lsp_elf_origin *o)
{
	struct lsp_maptext m;
	size_t bytes, path_len = strlen(o->path);
	bool found = false;
	char path[64], *text;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%u/maps", o->tgid);
	if (lsp_maptext_read(path, &text, &bytes))
		return false;
	at = text;
	while (!found && lsp_maptext_next(&at, text + bytes, &m))
		found = m.start == o->start && m.end == o->end && m.offset == o->offset &&
			((m.path_len == path_len && !memcmp(m.path, o->path, path_len)) ||
			 lsp_elf_is_origin(o, m.dev_major, m.dev_minor, m.ino));
	free(text);
	return found;
}
