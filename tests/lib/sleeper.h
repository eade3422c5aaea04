/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells whether a thread waits for a futex, for programs that must know that their waiter sleeps. */
#ifndef LSP_TESTS_SLEEPER_H
#define LSP_TESTS_SLEEPER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether the thread @tid, of any process, is in the system call futex. False if there is no such thread. */
static inline bool sleeper_in_futex(int tid)
{
	char path[64], text[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	/* The number of the call, or a word ("running") of which atoi() makes 0. */
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return atoi(text) == SYS_futex;
}

/* Returns when the thread *@tid, which may still be 0, is in the system call futex. */
static inline void sleeper_await(const volatile int *tid)
{
	while (!*tid || !sleeper_in_futex(*tid))
		usleep(100);
}

#endif
