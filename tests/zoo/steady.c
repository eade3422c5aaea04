// SPDX-License-Identifier: GPL-2.0-only
/* The same waits in every run: 120 on each of two locks, always of the second thread to come. */
#include "../lib/sleeper.h"
#include "subject.h"

#define WAITS 60

static pthread_mutex_t mutex_a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t mutex_b = PTHREAD_MUTEX_INITIALIZER;
static volatile long held;

static volatile int second_tid;

static inline __attribute__((always_inline)) void locked_add(pthread_mutex_t *mutex, long n)
{
	bool first;

	pthread_mutex_lock(mutex);
	first = held < n;
	held = n;
	/* Until the second one sleeps for it, however long it takes to come. */
	while (first && !(second_tid && sleeper_in_futex_at(second_tid, mutex)))
		usleep(100);
	usleep(HOLD_US);
	pthread_mutex_unlock(mutex);
}

static FRAME void mutex_take(long n)
{
	locked_add(n & 1 ? &mutex_b : &mutex_a, n);
	END;
}

static long turn[2];

/* The two meet without a wait that a profile would show. */
static void meet(long self, long n)
{
	__atomic_store_n(&turn[self], n, __ATOMIC_RELEASE);
	while (__atomic_load_n(&turn[!self], __ATOMIC_ACQUIRE) < n)
		usleep(100);
}

static void *worker(void *arg)
{
	long self = (long)arg, i;

	thread_name("z-steady");
	if (self)
		second_tid = (int)syscall(SYS_gettid);
	for (i = 1; i <= 2 * WAITS; i++) {
		meet(self, 2 * i);
		/* one holds it before the other comes, and until that one waits */
		while (self && held < i)
			usleep(100);
		mutex_take(i);
		meet(self, 2 * i + 1);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	long i;

	thread_name("z-main");
	truth("z-steady;pthread_mutex_lock;locked_add;mutex_take;worker");
	truth("z-main;pthread_join;main");
	truth("<z-steady;pthread_mutex_unlock;locked_add;mutex_take;worker");
	truth("<*");
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
