// SPDX-License-Identifier: GPL-2.0-only
/*
 * broadcast WAITERS MAPPINGS: wakes WAITERS threads with one FUTEX_WAKE, from a stack of which each
 * word is an address in one of MAPPINGS executable mappings, or in the program for 0. Prints the
 * shortest time that the call took in six rounds, in ns.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/sleeper.h"

#define ROUNDS 6
#define STACK_WORDS 8192
#define PAGE 4096UL

static int g_word;

static void *waiter(void *tid)
{
	*(volatile int *)tid = (int)syscall(SYS_gettid);
	syscall(SYS_futex, &g_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

/* FUTEX_WAKE of all with the stack pointer at @sp. */
static long wake_from(unsigned long *sp)
{
	register long timeout __asm__("r10") = 0;
	long ret;

	__asm__ volatile("mov %%rsp, %%rbx\n\tmov %5, %%rsp\n\tsyscall\n\tmov %%rbx, %%rsp"
			 : "=a"(ret)
			 : "0"((long)SYS_futex), "D"(&g_word), "S"((long)FUTEX_WAKE_PRIVATE), "d"((long)INT_MAX),
			   "r"(sp), "r"(timeout)
			 : "rbx", "rcx", "r11", "memory");
	return ret;
}

/* Every second page of the area is executable, so that each is a mapping of its own. */
static unsigned long mappings_make(size_t n)
{
	char *area = mmap(NULL, 2 * n * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (mprotect(area + 2 * i * PAGE, PAGE, PROT_READ | PROT_EXEC))
			return 0;
	return (unsigned long)area;
}

static uint64_t round_ns(size_t waiters, unsigned long *sp)
{
	volatile int tids[waiters];
	pthread_t threads[waiters];
	uint64_t begin, ns;
	pthread_attr_t attr;
	size_t i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < waiters; i++) {
		tids[i] = 0;
		if (pthread_create(&threads[i], &attr, waiter, (void *)&tids[i]))
			exit(1);
	}
	for (i = 0; i < waiters; i++)
		sleeper_await(&tids[i]);
	/* The last one is in the call, and has yet to fall asleep. */
	usleep(100000);
	begin = clock_ns(CLOCK_MONOTONIC);
	if (wake_from(sp) != (long)waiters)
		exit(2);
	ns = clock_ns(CLOCK_MONOTONIC) - begin;
	for (i = 0; i < waiters; i++)
		pthread_join(threads[i], NULL);
	return ns;
}

int main(int argc, char **argv)
{
	size_t waiters = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long *words = aligned_alloc(PAGE, STACK_WORDS * sizeof(*words)), base;
	uint64_t ns, best = UINT64_MAX;

	base = n ? mappings_make(n) : (unsigned long)main;
	if (!waiters || !words || !base)
		return 1;
	for (size_t i = 0; i < STACK_WORDS; i++)
		words[i] = base + (n ? 2 * PAGE * ((unsigned long)random() % n) : (unsigned long)random() % 100);
	for (int i = 0; i < ROUNDS; i++) {
		ns = round_ns(waiters, words + 64);
		best = ns < best ? ns : best;
	}
	printf("%llu\n", (unsigned long long)best);
	return 0;
}
