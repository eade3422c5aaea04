// SPDX-License-Identifier: GPL-2.0-only
#include "leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ANCESTORS_MAX 64
#define STAT_BYTES 1024

unsigned long long lsp_leftover_now(void)
{
	struct timespec t;
	long hz = sysconf(_SC_CLK_TCK);

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (unsigned long long)t.tv_sec * (unsigned long long)hz +
	       (unsigned long long)t.tv_nsec / (1000000000ULL / (unsigned long long)hz);
}

/* The name may contain spaces and parentheses; the text behind it contains none. */
bool lsp_leftover_parse(const char *text, struct lsp_leftover *ret, pid_t *parent, char *state,
			unsigned long long *begun)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close || close < open || sscanf(text, "%d", &ret->pid) != 1)
		return false;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(close - open - 1), open + 1);
	return sscanf(close + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		      state, parent, begun) == 3;
}

static bool stat_read(const char *pid, struct lsp_leftover *ret, pid_t *parent, char *state, unsigned long long *begun)
{
	char path[32], text[STAT_BYTES];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.12s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return lsp_leftover_parse(text, ret, parent, state, begun);
}

/*
 * The processes that may adopt our orphans: those above our parent. The parent has children of its
 * own.
 */
static size_t ancestors(pid_t *ret)
{
	struct lsp_leftover who;
	unsigned long long begun;
	pid_t pid = getppid();
	char text[16], state;
	size_t n = 0;

	ret[n++] = 1;
	while (pid > 1 && n < ANCESTORS_MAX) {
		snprintf(text, sizeof(text), "%d", (int)pid);
		if (!stat_read(text, &who, &pid, &state, &begun))
			break;
		if (pid > 1)
			ret[n++] = pid;
	}
	return n;
}

static bool is_one_of(pid_t pid, const pid_t *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (all[i] == pid)
			return true;
	return false;
}

size_t lsp_leftover_find(unsigned long long since, struct lsp_leftover *ret, size_t max)
{
	pid_t parents[ANCESTORS_MAX], parent;
	size_t nparents = ancestors(parents), n = 0;
	DIR *proc = opendir("/proc");
	struct lsp_leftover one;
	unsigned long long begun;
	struct dirent *e;
	char state;

	while (proc && n < max && (e = readdir(proc))) {
		if (!strchr("123456789", e->d_name[0]) || !stat_read(e->d_name, &one, &parent, &state, &begun))
			continue;
		if (begun >= since && state != 'Z' && state != 'X' && one.pid != getpid() &&
		    is_one_of(parent, parents, nparents))
			ret[n++] = one;
	}
	if (proc)
		closedir(proc);
	return n;
}
