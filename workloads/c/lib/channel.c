// SPDX-License-Identifier: GPL-2.0-only
/* The queue: one mutex, two conditions. */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>

int channel_init(struct channel *channel, unsigned int capacity)
{
	*channel = (struct channel){
		.mu = PTHREAD_MUTEX_INITIALIZER,
		.not_full = PTHREAD_COND_INITIALIZER,
		.not_empty = PTHREAD_COND_INITIALIZER,
		.size = capacity ? capacity : CHANNEL_RECEIVERS,
		.capacity = capacity,
	};
	channel->items = calloc(channel->size, sizeof(*channel->items));
	return channel->items ? 0 : -ENOMEM;
}

void channel_uninit(struct channel *channel)
{
	free(channel->items);
}

/* Without capacity, each waiting receiver makes room for one item. */
static bool channel_has_room(const struct channel *channel)
{
	return channel->count < (channel->capacity ? channel->capacity : channel->receivers);
}

void channel_send(struct channel *channel, uint64_t item)
{
	pthread_mutex_lock(&channel->mu);
	while (!channel_has_room(channel))
		pthread_cond_wait(&channel->not_full, &channel->mu);
	channel->items[(channel->head + channel->count++) % channel->size] = item;
	pthread_cond_signal(&channel->not_empty);
	pthread_mutex_unlock(&channel->mu);
}

bool channel_receive(struct channel *channel, uint64_t *ret)
{
	bool got;

	pthread_mutex_lock(&channel->mu);
	channel->receivers++;
	if (!channel->capacity)
		pthread_cond_signal(&channel->not_full);
	while (!channel->count && !channel->closed)
		pthread_cond_wait(&channel->not_empty, &channel->mu);
	channel->receivers--;
	got = channel->count;
	if (got) {
		*ret = channel->items[channel->head];
		channel->head = (channel->head + 1) % channel->size;
		channel->count--;
		if (channel->capacity)
			pthread_cond_signal(&channel->not_full);
	}
	pthread_mutex_unlock(&channel->mu);
	return got;
}

void channel_close(struct channel *channel)
{
	pthread_mutex_lock(&channel->mu);
	channel->closed = true;
	pthread_cond_broadcast(&channel->not_empty);
	pthread_mutex_unlock(&channel->mu);
}
