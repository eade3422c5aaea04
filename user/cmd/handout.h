/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hands the recorder's file to processes that may not open it themselves, because they have given
 * up rights or see another /proc. It uses an abstract socket, which needs no access to a folder. A
 * process that asks shows the password from its environment.
 */
#ifndef LSP_CMD_HANDOUT_H
#define LSP_CMD_HANDOUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lsp_handout {
	pthread_t thread;
	uint64_t password;
	int listener;
	int file;
	bool begun;
};

/*
 * Begins to hand out @file, of the run with these numbers (capture/userfile.h). Returns 0 or
 * -errno.
 */
int lsp_handout_begin(struct lsp_handout *h, int file, const uint64_t run[2]);

void lsp_handout_end(struct lsp_handout *h);

#endif
