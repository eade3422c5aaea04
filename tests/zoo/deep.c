// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits for a mutex below 200 calls of one function. With FRAME_BYTES (tall)
 * its stack is longer than the module looks at unasked: each thread waits once,
 * and goes on after some time.
 */
#include "subject.h"

#define DEPTH 200
#ifdef FRAME_BYTES
#define FIRST_ROUNDS 1
#define PAUSE_US 5000000
#else
#define FRAME_BYTES 8
#define FIRST_ROUNDS ROUNDS
#define PAUSE_US 0
#endif

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
	volatile char room[FRAME_BYTES];
	volatile int here = left;

	room[0] = (char)left;

	if (left > 1)
		descend(left - 1);
	else
		deep_take();
	sum += here + room[0];
}

static void *worker(void *arg)
{
	int i;

	thread_name("z-deep");
	for (i = 0; i < ROUNDS; i++) {
		if (i == FIRST_ROUNDS)
			usleep(PAUSE_US);
		descend(DEPTH);
	}
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
	printf("<z-deep;pthread_mutex_unlock;deep_take;");
	for (i = 0; i < DEPTH; i++)
		printf("descend;");
	truth("worker");
	truth("<*");
	truth("z-main;pthread_join;main");
	truth("<z-main;pthread_mutex_unlock;main");
	pthread_mutex_lock(&mutex);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	usleep(100 * HOLD_US);
	pthread_mutex_unlock(&mutex);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
