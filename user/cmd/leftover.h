/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that a command leaves behind when it ends, as one that makes a daemon of itself does. */
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
 * Processes that were begun after @since (as lsp_leftover_now() gave it), live and have
 * lost their parent: at most @max to @ret. Their number. Another command on the
 * machine may have left one, too: nothing tells whose orphan it is.
 */
size_t lsp_leftover_find(unsigned long long since, struct lsp_leftover *ret, size_t max);

/* A moment in the kernel's count of when processes begin. */
unsigned long long lsp_leftover_now(void);

/* Of the text of /proc/PID/stat; false: it is none. */
bool lsp_leftover_parse(const char *text, struct lsp_leftover *ret, pid_t *parent, char *state,
			unsigned long long *begun);

#endif
