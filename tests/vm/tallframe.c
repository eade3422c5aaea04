// SPDX-License-Identifier: GPL-2.0-only
/*
 * tallframe MS: for so long threads contend for a mutex below a function whose frame is
 * larger than any window that the module looks at; prints how often the mutex was taken.
 * libs: -pthread
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 4
#define TALL_BYTES 150000
#define FRAME __attribute__((noinline, noclone))

static pthread_mutex_t g_tall_mu = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool g_end;
static unsigned long g_taken;

static FRAME void locked(volatile char *room)
{
	pthread_mutex_lock(&g_tall_mu);
	g_taken++;
	usleep(100);
	room[0] = room[TALL_BYTES - 1];
	pthread_mutex_unlock(&g_tall_mu);
}

static FRAME void tall(void)
{
	volatile char room[TALL_BYTES];

	room[TALL_BYTES - 1] = 1;
	locked(room);
	room[1] = room[0];
}

static FRAME void outer(void)
{
	tall();
	__asm__ volatile("");
}

static FRAME void *worker(void *unused)
{
	while (!g_end)
		outer();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	usleep(argc > 1 ? (useconds_t)atoi(argv[1]) * 1000 : 1000000);
	g_end = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%lu\n", g_taken);
	return 0;
}
