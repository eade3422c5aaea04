// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs and plugins that are alike but for the names of their lock and of
 * their functions: the lock of each lies where that of the other lies.
 *
 * homonym [PROGRAM...]: contends for its lock, and then executes PROGRAM, with
 * what follows as its arguments.
 *
 * homonym --load TIMES FIRST SECOND: loads the two plugins in turn, has each
 * contend, and unloads it. Prints how often one lay where the other had been.
 *
 * libs: -no-pie -ldl
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/sleeper.h"

#ifndef LOCK
#define LOCK lock_of_one
#define WAITS wait_in_one
#define CONTENDS contend_in_one
#endif
#define THREADS 8
#define ROUNDS 5

static pthread_mutex_t LOCK = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t round_begins;

/* Each of them sleeps for the lock: none is still on its way there, or from the barrier. */
static void all_await(const volatile int *tids)
{
	for (int i = 0; i < THREADS; i++)
		while (!sleeper_in_futex_at(tids[i], &LOCK))
			usleep(200);
	usleep(1000);
}

__attribute__((noinline)) static void WAITS(void)
{
	pthread_mutex_lock(&LOCK);
	pthread_mutex_unlock(&LOCK);
	/* Not a jump: the release is this function's. */
	__asm__ volatile("");
}

static void *waiter(void *tid)
{
	*(volatile int *)tid = (int)syscall(SYS_gettid);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&round_begins);
		WAITS();
		pthread_barrier_wait(&round_begins);
	}
	return NULL;
}

__attribute__((noinline)) static void CONTENDS(void)
{
	volatile int tids[THREADS];
	pthread_t threads[THREADS];

	pthread_barrier_init(&round_begins, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, waiter, (void *)&tids[i]))
			exit(1);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&LOCK);
		pthread_barrier_wait(&round_begins);
		all_await(tids);
		pthread_mutex_unlock(&LOCK);
		pthread_barrier_wait(&round_begins);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&round_begins);
}

#ifdef PLUGIN
void contend(void);

void contend(void)
{
	CONTENDS();
	__asm__ volatile("");
}
#else
static int in_turn(int times, char *const *paths)
{
	void *last = NULL;
	int same = 0;

	for (int i = 0; i < times; i++) {
		void *plugin = dlopen(paths[i % 2], RTLD_NOW), *at = plugin ? dlsym(plugin, "contend") : NULL;
		void (*contend)(void);

		if (!at) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		memcpy(&contend, &at, sizeof(contend));
		same += at == last;
		last = at;
		contend();
		dlclose(plugin);
	}
	printf("%d\n", same);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "--load"))
		return in_turn(atoi(argv[2]), argv + 3);
	CONTENDS();
	if (argc > 1)
		execv(argv[1], argv + 1);
	return argc > 1;
}
#endif
