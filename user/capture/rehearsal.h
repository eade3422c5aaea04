/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits and wakes of the collector's own while a session starts. LOCKSPAN_F_REHEARSED promises them to the module. The
 * module finds by them whether its probes stand on functions that this kernel calls. They begin when the module has
 * armed its probes, and end before it may remove them.
 */
#ifndef LSP_CAPTURE_REHEARSAL_H
#define LSP_CAPTURE_REHEARSAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lsp_rehearsal {
	pthread_t waiter, waker;
	int fd;			/* can be read when the probes are armed */
	atomic_bool over;	/* asks the waiter to leave */
	atomic_bool left;	/* the waiter has left, and the waker may leave */
	/* The futex words. Only the kernel changes them. */
	uint32_t plain;
	uint32_t requeued;
	uint32_t mutex;
};

/*
 * Starts two threads. They rehearse from the moment when @fd can be read, until lsp_rehearsal_end() or for four seconds.
 * They block all signals. 0 or -errno.
 */
int lsp_rehearsal_begin(struct lsp_rehearsal *r, int fd);
void lsp_rehearsal_end(struct lsp_rehearsal *r);

#endif
