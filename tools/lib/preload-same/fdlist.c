// SPDX-License-Identifier: GPL-2.0-only
/* Preloaded beside the recorder: when a program ends, its name and open descriptors go to the file $FDLIST. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DESCRIPTORS 1024

static __attribute__((destructor)) void list(void)
{
	const char *file = getenv("FDLIST");
	char line[DESCRIPTORS * 5 + 64];
	int n, fd;

	if (!file)
		return;
	n = snprintf(line, sizeof(line), "%.32s:", program_invocation_short_name);
	for (int i = 0; i < DESCRIPTORS; i++)
		if (fcntl(i, F_GETFD) >= 0)
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %d", i);
	line[n++] = '\n';
	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)!write(fd, line, (size_t)n);
	close(fd);
}
