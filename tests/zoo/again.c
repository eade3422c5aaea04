// SPDX-License-Identifier: GPL-2.0-only
/* Waits, then executes itself, and waits elsewhere at other addresses. */
#include "subject.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static FRAME void take(void)
{
	pthread_mutex_lock(&mutex);
	usleep(HOLD_US);
	pthread_mutex_unlock(&mutex);
	END;
}

static void *first_worker(void *arg)
{
	int i;

	thread_name("z-first");
	for (i = 0; i < ROUNDS; i++)
		take();
	return arg;
}

static void *second_worker(void *arg)
{
	int i;

	thread_name("z-second");
	for (i = 0; i < ROUNDS; i++)
		take();
	return arg;
}

int main(int argc, char **argv)
{
	char *again[] = { argv[0], (char *)"again", NULL };
	pthread_t threads[3];
	int i;

	thread_name("z-main");
	if (argc == 1) {
		truth("z-first;pthread_mutex_lock;take;first_worker");
		truth("z-second;pthread_mutex_lock;take;second_worker");
		truth("z-main;pthread_join;main");
		truth("<z-first;pthread_mutex_unlock;take;first_worker");
		truth("<z-second;pthread_mutex_unlock;take;second_worker");
		truth("<*");
	}
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, argc == 1 ? first_worker : second_worker, NULL);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (argc == 1)
		execv("/proc/self/exe", again);
	return argc == 1;
}
