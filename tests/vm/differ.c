// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs on which the kernel's and the user's view must differ, for
 * tests/vm/compare.sh: differ adaptive|raw|pi|crowd. Prints what it did.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 60

static pthread_mutex_t mutex;
static pthread_barrier_t barrier;
static uint32_t word;		/* of the raw lock: 0 free, 1 held, 2 and waited for */
static uint64_t calls_ns;
static const char *kind;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

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

static void *worker(void *arg)
{
	int raw = !strcmp(kind, "raw"), rounds = !strcmp(kind, "adaptive") ? 200 * ROUNDS : ROUNDS;
	uint64_t mine_ns = 0, start_ns;

	(void)arg;
	if (!raw)
		pthread_barrier_wait(&barrier);
	for (int i = 0; i < rounds; i++) {
		start_ns = now_ns();
		if (raw)
			raw_lock();
		else
			pthread_mutex_lock(&mutex);
		mine_ns += now_ns() - start_ns;
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
