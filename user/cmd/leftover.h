/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the processes that a command leaves behind when it ends, as a command does that makes a
 * daemon of itself.
 */
#ifndef LSP_CMD_LEFTOVER_H
#define LSP_CMD_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct lsp_leftover {
	pid_t pid;
	char name[32];
};

/*
 * Finds processes that were begun after @since (from lsp_leftover_now()), are alive and have lost
 * their parent. Writes at most @max to @ret, and returns their number. Another command on the
 * machine may have left some of them: nothing tells whose orphan a process is.
 */
size_t lsp_leftover_find(unsigned long long since, struct lsp_leftover *ret, size_t max);

/* Returns the present time on the clock by which the kernel says when a process began. */
unsigned long long lsp_leftover_now(void);

/* Reads the text of /proc/PID/stat. Returns false if it is none. */
bool lsp_leftover_parse(const char *text, struct lsp_leftover *ret, pid_t *parent, char *state,
			unsigned long long *begun);

#endif
