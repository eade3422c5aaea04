// SPDX-License-Identifier: GPL-2.0-only
/*
 * A nested namespace's /proc shows no sign of the outer ones: NSpid has one number
 * there, and any number may be that of some process. But the kernel's threads are in
 * the initial one only, and their parent has number 2.
 */
#include "pidspace.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "maptext.h"

/* Of the initial pid namespace; PROC_PID_INIT_INO in the kernel, which never changes it. */
#define INITIAL_INODE 0xeffffffcU
/* Flag of a kernel thread; a part of /proc's interface. */
#define KERNEL_THREAD 0x00200000UL

static bool is_kernel_thread(const char *path)
{
	unsigned long flags = 0;
	char *text, *at;
	size_t bytes;

	if (lsp_maptext_read(path, &text, &bytes))
		return false;
	/* the name, in parentheses, may hold anything */
	at = strrchr(text, ')');
	if (at)
		sscanf(at + 1, " %*c %*s %*s %*s %*s %*s %lu", &flags);
	free(text);
	return flags & KERNEL_THREAD;
}

bool lsp_pidspace_is_foreign(const char *proc)
{
	char path[PATH_MAX];
	struct stat st;

	/* The /proc of another namespace does not show a process of the initial one. */
	snprintf(path, sizeof(path), "%s/self/ns/pid", proc);
	if (stat(path, &st) || st.st_ino == INITIAL_INODE)
		return false;
	snprintf(path, sizeof(path), "%s/2/stat", proc);
	return !is_kernel_thread(path);
}
