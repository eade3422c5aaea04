// SPDX-License-Identifier: GPL-2.0-only
/*
 * hang: two threads that take two mutexes in opposite order and never come
 * back, and a main thread that waits for them. Exit status 3 after SIGTERM.
 * libs: -pthread
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static pthread_mutex_t first_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both_have_one;

static void *first_then_second(void *arg)
{
	pthread_mutex_lock(&first_mu);
	pthread_barrier_wait(&both_have_one);
	pthread_mutex_lock(&second_mu);
	return arg;
}

static void *second_then_first(void *arg)
{
	pthread_mutex_lock(&second_mu);
	pthread_barrier_wait(&both_have_one);
	pthread_mutex_lock(&first_mu);
	return arg;
}

static void leave(int signal)
{
	(void)signal;
	_exit(3);
}

int main(void)
{
	pthread_t a, b;

	signal(SIGTERM, leave);
	pthread_barrier_init(&both_have_one, NULL, 2);
	pthread_create(&a, NULL, first_then_second, NULL);
	pthread_create(&b, NULL, second_then_first, NULL);
	pthread_join(a, NULL);
	return 0;
}
