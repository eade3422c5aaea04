// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks on the heap that two functions initialise and one function uses, for
 * tests/vm/compare.sh and preload.sh. Prints where: the line of each call.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 20

struct pool {
	long filler[3];
	pthread_mutex_t mu;
	pthread_rwlock_t rw;
};

static int pool_line, rw_line, cache_line;

static __attribute__((noinline)) struct pool *pool_create(void)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		exit(1);
	pool_line = __LINE__ + 1;
	pthread_mutex_init(&p->mu, NULL);
	rw_line = __LINE__ + 1;
	pthread_rwlock_init(&p->rw, NULL);
	return p;
}

static __attribute__((noinline)) pthread_mutex_t *cache_create(void)
{
	pthread_mutex_t *m = malloc(sizeof(*m));

	if (!m)
		exit(1);
	cache_line = __LINE__ + 1;
	pthread_mutex_init(m, NULL);
	return m;
}

static struct pool *pool;
static pthread_mutex_t *cache;
static pthread_barrier_t together;

static __attribute__((noinline)) void use(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	usleep(500);
	pthread_mutex_unlock(m);
}

static void *worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		use(&pool->mu);
		use(cache);
		pthread_rwlock_wrlock(&pool->rw);
		usleep(500);
		pthread_rwlock_unlock(&pool->rw);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];

	pool = pool_create();
	cache = cache_create();
	pthread_barrier_init(&together, NULL, 2);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, worker, NULL))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("{\"pool\":%d,\"rw\":%d,\"cache\":%d}\n", pool_line, rw_line, cache_line);
	return 0;
}
