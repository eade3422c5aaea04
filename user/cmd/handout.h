/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hands the recorder's file to processes that may not open it themselves: those that have given up
 * rights or see another /proc. By an abstract socket, so that no folder stands in the way; who asks shows
 * the password of its environment.
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

/* Begins to hand out @file, of the run of these numbers (capture/userfile.h). 0 or -errno. */
int lsp_handout_begin(struct lsp_handout *h, int file, const uint64_t run[2]);

void lsp_handout_end(struct lsp_handout *h);

#endif
