// SPDX-License-Identifier: GPL-2.0-only
/* Waits for a mutex below 200 calls of one function. */
#include "subject.h"

#define DEPTH 200

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile long sum;

static FRAME void deep_take(void)
{
	pthread_mutex_lock(&mutex);
	usleep(HOLD_US);
	pthread_mutex_unlock(&mutex);
	END;
}

static FRAME void descend(int left)
{
	volatile int here = left;

	if (left > 1)
		descend(left - 1);
	else
		deep_take();
	sum += here;
}

static void *worker(void *arg)
{
	int i;

	thread_name("z-deep");
	for (i = 0; i < ROUNDS; i++)
		descend(DEPTH);
	return arg;
}

int main(void)
{
	pthread_t threads[3];
	int i;

	thread_name("z-main");
	printf("z-deep;pthread_mutex_lock;deep_take;");
	for (i = 0; i < DEPTH; i++)
		printf("descend;");
	truth("worker");
	truth("z-main;pthread_join;main");
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
