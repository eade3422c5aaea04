/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads what /proc says of a thread. */
#ifndef FUTEX_PARK_H
#define FUTEX_PARK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * True when the thread sleeps in system call @nr (or in its restart): the
 * kernel shows the number only of a task that is off its CPU and not runnable.
 */
bool park_in_call(pid_t tgid, pid_t tid, long nr);

/* Returns the state letter of /proc/TGID/task/TID/stat, or 0 if there is no such thread. */
char park_state(pid_t tgid, pid_t tid);

#endif
