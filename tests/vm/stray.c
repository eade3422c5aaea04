// SPDX-License-Identifier: GPL-2.0-only
/*
 * stray THREADS ROUNDS: threads that are woken for a wait which is over. In each
 * round all of them wait for one word until about the moment at which all are
 * woken at once. Whose timer fires while the waker is still at it finds itself
 * off the queue, returns, and waits for a word of its own; there the wake-up of
 * the first wait reaches it. The kernel sees that nothing has changed and lets it
 * wait on, so that the caller does not notice; its count of voluntary switches does.
 * ROUNDS is the most; it ends once there was enough of it.
 *
 * Prints as JSON: calls that slept, their sleeps, and the calls' results.
 * sources: workloads/c/lib/clock.c workloads/c/lib/json.c
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../workloads/c/lib/clock.h"
#include "../../workloads/c/lib/json.h"

/* To get all threads to their wait; and to let a stray wake-up come before the true one. */
#define GATHER_NS 60000000U
#define LEAVE_NS 30000000U
/*
 * Timers fire from when the waker begins, the last in the queue first, so far apart.
 * How fast the waker is depends on the machine: each round tries another pace.
 */
#define APART_NS 250U
#define PACES 6

enum { THREADS_MAX = 1000, ENOUGH = 20 };

static struct thread {
	_Alignas(64) _Atomic uint32_t word;
	unsigned int index;
	int turn;			/* eventfd: a round for this thread */
	uint64_t calls, sleeps;
	uint64_t results[3];		/* 0, ETIMEDOUT, EAGAIN */
} threads[THREADS_MAX];

static unsigned int nthreads;
static _Atomic uint32_t common;
static _Atomic uint64_t wake_at_ns;	/* of this round */
static atomic_uint finished;		/* rounds, of all threads */

static uint64_t voluntary(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nvcsw;
}

static long wait_on(struct thread *me, _Atomic uint32_t *word, uint64_t until_ns)
{
	struct timespec until = { (time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000) };
	uint64_t before = voluntary(), sleeps;
	long ret = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, 0, until_ns ? &until : NULL,
			   NULL, FUTEX_BITSET_MATCH_ANY);

	ret = ret ? errno : 0;
	sleeps = voluntary() - before;
	me->sleeps += sleeps;
	me->calls += sleeps > 0;
	if (ret && ret != ETIMEDOUT && ret != EAGAIN) {
		fprintf(stderr, "stray: futex: errno %ld\n", ret);
		exit(1);
	}
	me->results[!ret ? 0 : ret == ETIMEDOUT ? 1 : 2]++;
	return ret;
}

static void *run(void *arg)
{
	struct thread *me = arg;
	uint64_t at_ns, turn;
	unsigned int i;

	/* A timer that fires when it is due. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	/* They end with the process: one by one they would wait for the C library's lock. */
	for (i = 0; read(me->turn, &turn, sizeof(turn)) == sizeof(turn); i++) {
		at_ns = atomic_load(&wake_at_ns) +
			(uint64_t)(nthreads - me->index) * (APART_NS << i % PACES);
		if (!wait_on(me, &common, at_ns))
			wait_on(me, &me->word, 0);
		atomic_fetch_add(&finished, 1);
	}
	return NULL;
}

static void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* Not by a futex, which would be in the count. */
static void finished_await(unsigned int n)
{
	while (atomic_load(&finished) < n)
		clock_sleep_ns(1000000);
}

static void round_run(unsigned int n)
{
	const uint64_t one = 1;
	uint64_t at_ns = clock_now_ns() + GATHER_NS;
	unsigned int i;

	atomic_store(&wake_at_ns, at_ns);
	for (i = 0; i < nthreads; i++) {
		atomic_store(&threads[i].word, 0);
		if (write(threads[i].turn, &one, sizeof(one)) < 0)
			exit(1);
	}
	while (clock_now_ns() < at_ns)
		if (clock_now_ns() + 2000000 < at_ns)
			clock_sleep_ns(1000000);
	wake(&common);
	clock_sleep_ns(LEAVE_NS);
	for (i = 0; i < nthreads; i++) {
		atomic_store(&threads[i].word, 1);
		wake(&threads[i].word);
	}
	finished_await(nthreads * n);
}

static struct thread sum(void)
{
	struct thread all = { 0 };
	unsigned int i, k;

	for (i = 0; i < nthreads; i++) {
		all.calls += threads[i].calls;
		all.sleeps += threads[i].sleeps;
		for (k = 0; k < 3; k++)
			all.results[k] += threads[i].results[k];
	}
	return all;
}

int main(int argc, char **argv)
{
	unsigned int i, rounds;
	struct thread all = { 0 };
	pthread_t id;

	if (argc != 3 || (nthreads = (unsigned int)atoi(argv[1])) > THREADS_MAX || !nthreads) {
		fprintf(stderr, "Usage: stray THREADS ROUNDS\n");
		return 2;
	}
	rounds = (unsigned int)atoi(argv[2]);
	for (i = 0; i < nthreads; i++) {
		threads[i].index = i;
		threads[i].turn = eventfd(0, 0);
		if (threads[i].turn < 0 || pthread_create(&id, NULL, run, &threads[i]) || pthread_detach(id))
			return 1;
	}
	for (i = 0; i < rounds && all.sleeps < all.calls + ENOUGH; i++) {
		round_run(i + 1);
		all = sum();
	}
	json_object_open(NULL);
	json_u64("calls", all.calls);
	json_u64("sleeps", all.sleeps);
	json_u64("ok", all.results[0]);
	json_u64("etimedout", all.results[1]);
	json_u64("eagain", all.results[2]);
	json_object_close();
	json_finish();
	return 0;
}
