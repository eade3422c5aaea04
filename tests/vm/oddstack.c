// SPDX-License-Identifier: GPL-2.0-only
/*
 * oddstack SHAPE ROUNDS: a thread waits so often for a mutex that the main thread holds for some
 * milliseconds each time, on a stack that is not as stacks usually are; prints the number of waits.
 *  full    below a frame full of pointers into itself, more than one stack record has room for
 *  hole    below a frame of whose pages most were never written to
 *  shared  the one who waits is a process of its own that shares the memory of the one who wakes
 * libs: -pthread
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/sleeper.h"

#define FRAME __attribute__((noinline, noclone))
#define POINTERS 3000
#define HOLE_BYTES 36864
#define STACK_BYTES (1 << 20)

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

static FRAME void hole_frame(void)
{
	char room[HOLE_BYTES];
	uintptr_t page = 4096, first = ((uintptr_t)room + page - 1) & -page;

	/* The compiler may have touched each page, for the sake of the one below the stack. */
	madvise((void *)first, (((uintptr_t)room + HOLE_BYTES) & -page) - first, MADV_DONTNEED);
	odd_rounds();
	__asm__ volatile("" : : "r"(room) : "memory");
}

static FRAME void *waiter(void *shape)
{
	g_tid = (int)syscall(SYS_gettid);
	if (!strcmp(shape, "full"))
		full_frame();
	else if (!strcmp(shape, "hole"))
		hole_frame();
	__asm__ volatile("");
	return NULL;
}

/* Without the C library's help: its idea of the thread that runs is the other's. */
static atomic_uint g_odd_word;

static FRAME void shared_wait(unsigned int value)
{
	while (g_odd_word == value)
		syscall(SYS_futex, &g_odd_word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
	__asm__ volatile("");
}

static FRAME int shared_process(void *unused)
{
	(void)unused;
	for (int i = 0; i < g_rounds; i++) {
		shared_wait((unsigned int)i);
		g_done = i + 1;
	}
	return 0;
}

static FRAME void shared_wake(void)
{
	g_odd_word++;
	syscall(SYS_futex, &g_odd_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	__asm__ volatile("");
}

static void run_shared(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	g_tid = clone(shared_process, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
	for (int i = 0; i < g_rounds; i++) {
		while (g_done < i || !sleeper_in_futex(g_tid))
			usleep(100);
		usleep(1000);
		shared_wake();
	}
	waitpid(g_tid, NULL, 0);
	printf("%d\n", g_rounds);
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;
	void *stack;

	if (argc != 3)
		return 2;
	g_rounds = atoi(argv[2]);
	if (!strcmp(argv[1], "shared")) {
		run_shared();
		return 0;
	}
	/* In large pages nothing would be absent. */
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		return 3;
	madvise(stack, STACK_BYTES, MADV_NOHUGEPAGE);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, STACK_BYTES);
	pthread_create(&thread, &attr, waiter, argv[1]);
	for (int i = 1; i <= g_rounds; i++) {
		pthread_mutex_lock(&g_odd_mu);
		g_round = i;
		while (!g_tid || !sleeper_in_futex(g_tid))
			usleep(100);
		usleep(5000);
		pthread_mutex_unlock(&g_odd_mu);
		while (g_done < i)
			usleep(100);
	}
	pthread_join(thread, NULL);
	printf("%d\n", g_done);
	return 0;
}
