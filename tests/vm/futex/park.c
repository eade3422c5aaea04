// SPDX-License-Identifier: GPL-2.0-only
/* Reading /proc/TGID/task/TID. */
#include "park.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

/* Reads a small file of the thread as a string. Returns its length, -1 if there is none. */
static ssize_t thread_file(pid_t tgid, pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", tgid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, text, size - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got;
}

char park_state(pid_t tgid, pid_t tid)
{
	char text[512];
	const char *end;

	if (thread_file(tgid, tid, "stat", text, sizeof(text)) <= 0)
		return 0;
	/* The name before the state is in brackets and may hold anything. */
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : 0;
}

bool park_in_call(pid_t tgid, pid_t tid, long nr)
{
	char text[512], *end;
	long shown;

	if (thread_file(tgid, tid, "syscall", text, sizeof(text)) <= 0)
		return false;
	shown = strtol(text, &end, 10);
	if (end == text || (shown != nr && shown != RAW_NR_RESTART))
		return false;
	return park_state(tgid, tid) == 'S';
}
