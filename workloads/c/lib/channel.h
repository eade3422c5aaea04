/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bounded queue of numbers between threads. With capacity 0 it hands over: a
 * send goes through only when a receiver is there to take it.
 */
#ifndef LIB_CHANNEL_H
#define LIB_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CHANNEL_RECEIVERS 64	/* how many receivers may wait at a channel without capacity */

struct channel {
	pthread_mutex_t mu;
	pthread_cond_t not_full;
	pthread_cond_t not_empty;
	uint64_t *items;
	unsigned int size;	/* of items */
	unsigned int capacity;
	unsigned int count;
	unsigned int head;
	unsigned int receivers;	/* receivers that wait, or were woken and are not back yet */
	bool closed;
};

/* Returns 0 or -ENOMEM. */
int channel_init(struct channel *channel, unsigned int capacity);
void channel_uninit(struct channel *channel);

void channel_send(struct channel *channel, uint64_t item);
/* Returns false when the channel is closed and empty. */
bool channel_receive(struct channel *channel, uint64_t *ret);
void channel_close(struct channel *channel);

#endif
