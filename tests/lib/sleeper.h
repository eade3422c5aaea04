/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells whether a thread waits for a futex, for programs that must know that their waiter sleeps. */
#ifndef LSP_TESTS_SLEEPER_H
#define LSP_TESTS_SLEEPER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Whether the thread @tid, of any process, is in the system call futex, for the word at @word or, if that is NULL, any.
 * False if there is no such thread.
 */
static inline bool sleeper_in_futex_at(int tid, const volatile void *word)
{
	char path[64], text[64] = "", *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	/* The number of the call and its arguments, or a word ("running") of which strtol() makes 0. */
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strtol(text, &rest, 10) == SYS_futex && (!word || strtoul(rest, NULL, 16) == (unsigned long)word);
}

static inline bool sleeper_in_futex(int tid)
{
	return sleeper_in_futex_at(tid, NULL);
}

/* Returns when the thread *@tid, which may still be 0, is in the system call futex. */
static inline void sleeper_await(const volatile int *tid)
{
	while (!*tid || !sleeper_in_futex(*tid))
		usleep(100);
}

#endif
