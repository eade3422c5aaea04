// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs on which the kernel's and the user's view must differ, for
 * tests/vm/compare.sh: differ adaptive|raw|pi|crowd|late. Prints what it did.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/sleeper.h"

#define THREADS 4
#define ROUNDS 60
#define LATE_ROUNDS 10
#define BURNERS 2

static pthread_mutex_t mutex;
static pthread_barrier_t barrier;
static uint32_t word;		/* of the raw lock: 0 free, 1 held, 2 and waited for */
static uint64_t calls_ns;
static const char *kind;

static void raw_lock(void)
{
	uint32_t free_word = 0;

	if (__atomic_compare_exchange_n(&word, &free_word, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&word, 2, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void raw_unlock(void)
{
	if (__atomic_exchange_n(&word, 0, __ATOMIC_RELEASE) == 2)
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The hold: asleep, so that others come to wait; of the adaptive one so short that they spin. */
static void hold(void)
{
	volatile unsigned int spin;

	if (!strcmp(kind, "adaptive"))
		for (spin = 0; spin < 200; spin++)
			;
	else if (!strcmp(kind, "crowd"))
		for (spin = 0; spin < 200000; spin++)
			;
	else
		usleep(300);
}

static void pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static int load(int *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static int want, got, burn, stop;
static pid_t waiter_tid;

/* Takes the waiter's processor while the waiter sleeps, and for some time longer. */
static void *burner(void *arg)
{
	pin(0);
	while (!load(&stop))
		if (!load(&burn))
			usleep(200);
	return arg;
}

/* On a processor of its own: lets go when the waiter's is taken. */
static void *holder(void *arg)
{
	pin(1);
	for (int i = 0; i < LATE_ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		__atomic_store_n(&want, 1, __ATOMIC_RELEASE);
		while (load(&want) == 1)
			usleep(50);
		sleeper_await(&waiter_tid);
		__atomic_store_n(&burn, 1, __ATOMIC_RELEASE);
		usleep(1000);
		pthread_mutex_unlock(&mutex);
		usleep(60000);
		__atomic_store_n(&burn, 0, __ATOMIC_RELEASE);
		while (load(&got) == i)
			usleep(50);
	}
	return arg;
}

/* A waiter that is nice, among threads that burn its processor: released soon, and late to run. */
static int late_run(void)
{
	pthread_t threads[BURNERS + 1];

	waiter_tid = (pid_t)syscall(SYS_gettid);
	for (int i = 0; i <= BURNERS; i++)
		if (pthread_create(&threads[i], NULL, i ? burner : holder, NULL))
			return 1;
	pin(0);
	setpriority(PRIO_PROCESS, 0, 19);
	for (int i = 0; i < LATE_ROUNDS; i++) {
		uint64_t start_ns;

		while (load(&want) != 1)
			usleep(50);
		start_ns = clock_ns(CLOCK_MONOTONIC);
		__atomic_store_n(&want, 2, __ATOMIC_RELEASE);
		pthread_mutex_lock(&mutex);
		calls_ns += clock_ns(CLOCK_MONOTONIC) - start_ns;
		pthread_mutex_unlock(&mutex);
		__atomic_store_n(&got, i + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i <= BURNERS; i++)
		pthread_join(threads[i], NULL);
	printf("{\"calls_ns\":%llu}\n", (unsigned long long)calls_ns);
	return 0;
}

static void *worker(void *arg)
{
	int raw = !strcmp(kind, "raw"), rounds = !strcmp(kind, "adaptive") ? 200 * ROUNDS : ROUNDS;
	uint64_t mine_ns = 0, start_ns;

	(void)arg;
	if (!raw)
		pthread_barrier_wait(&barrier);
	for (int i = 0; i < rounds; i++) {
		start_ns = clock_ns(CLOCK_MONOTONIC);
		if (raw)
			raw_lock();
		else
			pthread_mutex_lock(&mutex);
		mine_ns += clock_ns(CLOCK_MONOTONIC) - start_ns;
		hold();
		if (raw)
			raw_unlock();
		else
			pthread_mutex_unlock(&mutex);
	}
	__atomic_fetch_add(&calls_ns, mine_ns, __ATOMIC_RELAXED);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS * 4];
	pthread_mutexattr_t attributes;
	int n = THREADS;

	kind = argc > 1 ? argv[1] : "";
	if (!strcmp(kind, "late"))
		return late_run();
	pthread_mutexattr_init(&attributes);
	if (!strcmp(kind, "adaptive"))
		pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
	if (!strcmp(kind, "pi"))
		pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	if (!strcmp(kind, "crowd"))
		n *= 4;
	pthread_mutex_init(&mutex, &attributes);
	pthread_barrier_init(&barrier, NULL, (unsigned int)n);
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, worker, NULL))
			return 1;
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("{\"calls_ns\":%llu}\n", (unsigned long long)calls_ns);
	return 0;
}
