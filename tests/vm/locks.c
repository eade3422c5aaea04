// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contends glibc's locks of every kind on purpose, and counts what only the
 * kernel can know as well: how often the threads went to sleep. Prints one JSON
 * object: {"sleeps": voluntary context switches of all threads in their loops}.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { KEYS_MAX = 64, THREADS_MAX = 256 };

static pthread_mutex_t mutexes[KEYS_MAX];
static pthread_rwlock_t rwlocks[KEYS_MAX];
static pthread_cond_t conds[KEYS_MAX];
static pthread_barrier_t begin;
static int generation[KEYS_MAX];
static volatile unsigned long shared[KEYS_MAX];
static long sleeps;
static int threads = 4, keys = 1, rounds = 300;
static const char *kind = "mutex";

static void work(int key)
{
	for (int i = 0; i < 200; i++)
		shared[key]++;
	sched_yield();
}

static void round_mutex(int key)
{
	pthread_mutex_lock(&mutexes[key]);
	work(key);
	pthread_mutex_unlock(&mutexes[key]);
}

/* A deadline near enough that some are missed. */
static void round_timed(int key)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	if (pthread_mutex_timedlock(&mutexes[key], &until))
		return;
	work(key);
	pthread_mutex_unlock(&mutexes[key]);
}

static void round_rwlock(int key, int turn)
{
	if (turn % 4)
		pthread_rwlock_rdlock(&rwlocks[key]);
	else
		pthread_rwlock_wrlock(&rwlocks[key]);
	work(key);
	pthread_rwlock_unlock(&rwlocks[key]);
}

/* Everybody waits for the round to change; the last one broadcasts. */
static void round_broadcast(int key)
{
	static int here[KEYS_MAX];
	int now, members = (threads + keys - 1 - key) / keys;

	pthread_mutex_lock(&mutexes[key]);
	now = generation[key];
	if (++here[key] >= members) {
		here[key] = 0;
		generation[key]++;
		pthread_cond_broadcast(&conds[key]);
	}
	while (generation[key] == now)
		pthread_cond_wait(&conds[key], &mutexes[key]);
	work(key);
	pthread_mutex_unlock(&mutexes[key]);
}

static void *member(void *arg)
{
	int self = (int)(long)arg, key, turn;
	struct rusage before, after;

	pthread_barrier_wait(&begin);
	getrusage(RUSAGE_THREAD, &before);
	for (turn = 0; turn < rounds; turn++) {
		key = !strcmp(kind, "broadcast") ? self % keys : (self + turn) % keys;
		if (!strcmp(kind, "timed"))
			round_timed(key);
		else if (!strcmp(kind, "rwlock"))
			round_rwlock(key, self + turn);
		else if (!strcmp(kind, "broadcast"))
			round_broadcast(key);
		else
			round_mutex(key);
	}
	getrusage(RUSAGE_THREAD, &after);
	__atomic_fetch_add(&sleeps, after.ru_nvcsw - before.ru_nvcsw, __ATOMIC_RELAXED);
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t team[THREADS_MAX];
	pthread_mutexattr_t attr;
	int i;

	if (argc > 1)
		kind = argv[1];
	if (argc > 2)
		threads = atoi(argv[2]);
	if (argc > 3)
		keys = atoi(argv[3]);
	if (argc > 4)
		rounds = atoi(argv[4]);
	if (threads < 1 || threads > THREADS_MAX || keys < 1 || keys > KEYS_MAX) {
		fprintf(stderr, "Usage: locks mutex|timed|rwlock|broadcast|pi THREADS KEYS ROUNDS\n");
		return 64;
	}
	pthread_mutexattr_init(&attr);
	if (!strcmp(kind, "pi"))
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	for (i = 0; i < keys; i++) {
		pthread_mutex_init(&mutexes[i], &attr);
		pthread_rwlock_init(&rwlocks[i], NULL);
		pthread_cond_init(&conds[i], NULL);
	}
	pthread_barrier_init(&begin, NULL, threads);
	for (i = 0; i < threads; i++)
		if (pthread_create(&team[i], NULL, member, (void *)(long)i))
			return 1;
	for (i = 0; i < threads; i++)
		pthread_join(team[i], NULL);
	printf("{\"kind\":\"%s\",\"threads\":%d,\"keys\":%d,\"sleeps\":%ld}\n", kind, threads, keys, sleeps);
	return 0;
}
