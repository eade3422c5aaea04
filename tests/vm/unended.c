// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits whose end a kretprobe can miss: FUTEX_WAIT_REQUEUE_PI, on one word.
 *
 * unended take THREADS: so many threads wait for ever. Prints a line when all of them sleep.
 *
 * unended miss THREADS: reads a line; so many threads wait for 50 ms each, and exit. Prints a line, reads
 * one more, and then waits 100 ms for the same word in the usual way, until another thread wakes it.
 * libs: -pthread
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../lib/sleeper.h"

#define THREADS_MAX 1000
#define NS_PER_S 1000000000LL

static atomic_uint g_word, g_pi_word;
static atomic_int g_tids[THREADS_MAX];

static void *requeue_pi_wait(void *index)
{
	struct timespec until;

	g_tids[(intptr_t)index] = (int)syscall(SYS_gettid);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 50000000;
	until.tv_sec += until.tv_nsec / NS_PER_S;
	until.tv_nsec %= NS_PER_S;
	syscall(SYS_futex, &g_word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, &until, &g_pi_word, 0);
	return NULL;
}

static void *requeue_pi_wait_for_ever(void *index)
{
	g_tids[(intptr_t)index] = (int)syscall(SYS_gettid);
	syscall(SYS_futex, &g_word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, NULL, &g_pi_word, 0);
	return NULL;
}

static void start(pthread_t *threads, int n, void *(*run)(void *))
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (intptr_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], &attr, run, (void *)i))
			exit(1);
}

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void *wake(void *waiter)
{
	sleeper_await(waiter);
	usleep(100000);
	g_word = 1;
	syscall(SYS_futex, &g_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return NULL;
}

static void miss(int n, pthread_t *threads)
{
	int tid = (int)syscall(SYS_gettid);
	char line[16];

	if (!fgets(line, sizeof(line), stdin))
		exit(1);
	start(threads, n, requeue_pi_wait);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	say("missed");
	if (!fgets(line, sizeof(line), stdin) || pthread_create(&threads[0], NULL, wake, &tid))
		exit(1);
	while (!g_word)
		syscall(SYS_futex, &g_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	/* Its end is waited for otherwise than in a futex. */
	pthread_detach(threads[0]);
	usleep(50000);
}

int main(int argc, char **argv)
{
	static pthread_t threads[THREADS_MAX];
	int n = argc == 3 ? atoi(argv[2]) : 0;

	if (n < 1 || n > THREADS_MAX)
		return 2;
	if (!strcmp(argv[1], "miss")) {
		miss(n, threads);
		return 0;
	}
	start(threads, n, requeue_pi_wait_for_ever);
	for (int i = 0; i < n; i++)
		while (!g_tids[i] || !sleeper_in_futex(g_tids[i]))
			usleep(1000);
	say("taken");
	pause();
	return 0;
}
