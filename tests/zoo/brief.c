// SPDX-License-Identifier: GPL-2.0-only
/*
 * brief [FILE [MS]]: waits once in its life and is gone MS (5) ms later. Before that it
 * puts FILE in its own file's place; "-": removes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/sleeper.h"
#include "subject.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned int ms_left = 5;
static volatile int worker_tid;

static FRAME void brief_take(void)
{
	pthread_mutex_lock(&mutex);
	usleep(1000 * ms_left);
	_exit(0);
}

static void *worker(void *arg)
{
	thread_name("z-brief");
	worker_tid = (int)syscall(SYS_gettid);
	brief_take();
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1 && (strcmp(argv[1], "-") ? rename(argv[1], argv[0]) : unlink(argv[0])))
		return 2;
	if (argc > 2)
		ms_left = (unsigned int)atoi(argv[2]);
	truth("z-brief;pthread_mutex_lock;brief_take;worker");
	truth("<brief;pthread_mutex_unlock;main");
	pthread_mutex_lock(&mutex);
	pthread_create(&thread, NULL, worker, NULL);
	while (!worker_tid || !sleeper_in_futex_at(worker_tid, &mutex))
		usleep(1000);
	usleep(20000);
	pthread_mutex_unlock(&mutex);
	for (;;)
		pause();
}
