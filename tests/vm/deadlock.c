// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that lock two mutexes crosswise: each holds what the other waits
 * for, and the main thread waits for both. Says so on standard output, then
 * never ends by itself.
 */
#include <pthread.h>
#include <stdio.h>

pthread_mutex_t left_mu = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t right_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both_hold;

static __attribute__((noinline)) void left_then_right(void)
{
	pthread_mutex_lock(&left_mu);
	pthread_barrier_wait(&both_hold);
	pthread_mutex_lock(&right_mu);
	pthread_mutex_unlock(&right_mu);
	pthread_mutex_unlock(&left_mu);
}

static __attribute__((noinline)) void right_then_left(void)
{
	pthread_mutex_lock(&right_mu);
	pthread_barrier_wait(&both_hold);
	pthread_mutex_lock(&left_mu);
	pthread_mutex_unlock(&left_mu);
	pthread_mutex_unlock(&right_mu);
}

static void *left_main(void *unused)
{
	pthread_setname_np(pthread_self(), "left");
	left_then_right();
	return unused;
}

static void *right_main(void *unused)
{
	pthread_setname_np(pthread_self(), "right");
	right_then_left();
	return unused;
}

int main(void)
{
	pthread_t left, right;

	pthread_barrier_init(&both_hold, NULL, 2);
	if (pthread_create(&left, NULL, left_main, NULL) ||
	    pthread_create(&right, NULL, right_main, NULL))
		return 1;
	puts("deadlocked");
	fflush(stdout);
	pthread_join(left, NULL);
	pthread_join(right, NULL);
	return 0;
}
