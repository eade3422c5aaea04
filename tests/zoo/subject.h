/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the C and C++ subjects share: threads with a name by which the checker
 * knows their waits, and functions that stay what they are in the source.
 */
#ifndef TESTS_ZOO_SUBJECT_H
#define TESTS_ZOO_SUBJECT_H

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A frame of its own, called and not jumped to. */
#define FRAME __attribute__((noinline, noclone))
#define END __asm__ volatile("" ::: "memory")

#define ROUNDS 25
#define HOLD_US 1000

static inline void thread_name(const char *name)
{
	prctl(PR_SET_NAME, name);
}

/* One line of truth: a thread's name, then functions from the lock outwards. */
static inline void truth(const char *line)
{
	puts(line);
	fflush(stdout);
}

#endif
