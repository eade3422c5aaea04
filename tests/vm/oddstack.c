// SPDX-License-Identifier: GPL-2.0-only
/*
 * oddstack SHAPE ROUNDS: a thread waits so often for a mutex that the main thread holds for a
 * millisecond each time, on a stack that is not as stacks usually are; prints the number of waits.
 *  full  below a frame full of pointers into itself, more than one stack record has room for
 * libs: -pthread
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAME __attribute__((noinline, noclone))
#define POINTERS 3000

static pthread_mutex_t g_odd_mu = PTHREAD_MUTEX_INITIALIZER;
static atomic_int g_round, g_tid, g_done;
static int g_rounds;

static FRAME void odd_wait(void)
{
	pthread_mutex_lock(&g_odd_mu);
	pthread_mutex_unlock(&g_odd_mu);
	g_done++;
}

/* One wait a round, once the other side has the mutex. */
static FRAME void odd_rounds(void)
{
	for (int i = 1; i <= g_rounds; i++) {
		while (g_round < i)
			usleep(100);
		odd_wait();
	}
}

static FRAME void full_frame(void)
{
	void *volatile pointers[POINTERS];

	for (int i = 0; i < POINTERS; i++)
		pointers[i] = (void *)&pointers[(i * 7) % POINTERS];
	odd_rounds();
	pointers[0] = pointers[1];
}

static FRAME void *waiter(void *shape)
{
	g_tid = (int)syscall(SYS_gettid);
	if (!strcmp(shape, "full"))
		full_frame();
	__asm__ volatile("");
	return NULL;
}

/* Whether the waiter is in futex(2). */
static int waiter_sleeps(void)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", g_tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return atoi(text) == SYS_futex;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 3)
		return 2;
	g_rounds = atoi(argv[2]);
	pthread_create(&thread, NULL, waiter, argv[1]);
	for (int i = 1; i <= g_rounds; i++) {
		pthread_mutex_lock(&g_odd_mu);
		g_round = i;
		while (!g_tid || !waiter_sleeps())
			usleep(100);
		usleep(1000);
		pthread_mutex_unlock(&g_odd_mu);
		while (g_done < i)
			usleep(100);
	}
	pthread_join(thread, NULL);
	printf("%d\n", g_done);
	return 0;
}
