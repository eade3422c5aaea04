// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deadlocks of programs that live. Would catch: a circle of two or three threads, or a thread that waits for itself, that is
 * not found; a deadlock in a program that has none: timed waits, a holder that goes on, threads that wait for work; a word
 * that is taken for a lock because it looks like a thread's number.
 *
 * sources: user/stuck/ user/base/index.c
 * libs: -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../user/stuck/scan.h"
#include "../lib/sleeper.h"

#define THREADS 3

static pthread_mutex_t mutexes[THREADS] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t all_hold;
static unsigned int threads;

static void forever(void)
{
	for (;;)
		pause();
}

/* Each holds its own lock, and waits for the next one's. */
static void *circle(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	pthread_mutex_lock(&mutexes[i]);
	pthread_barrier_wait(&all_hold);
	pthread_mutex_lock(&mutexes[(i + 1) % threads]);
	return NULL;
}

/* The same, but the first one will not wait for ever. */
static void *circle_timed(void *arg)
{
	uintptr_t i = (uintptr_t)arg;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 1000;
	pthread_mutex_lock(&mutexes[i]);
	pthread_barrier_wait(&all_hold);
	if (!i)
		pthread_mutex_timedlock(&mutexes[1], &until);
	else
		pthread_mutex_lock(&mutexes[(i + 1) % threads]);
	return NULL;
}

/* The last one holds its lock and does something else. */
static void *chain(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	pthread_mutex_lock(&mutexes[i]);
	pthread_barrier_wait(&all_hold);
	if (i + 1 == threads)
		forever();
	pthread_mutex_lock(&mutexes[i + 1]);
	return NULL;
}

static void *crosswise(void *arg)
{
	if (arg)
		pthread_rwlock_wrlock(&rwlock);
	else
		pthread_mutex_lock(&mutexes[0]);
	pthread_barrier_wait(&all_hold);
	if (arg)
		pthread_mutex_lock(&mutexes[0]);
	else
		pthread_rwlock_rdlock(&rwlock);
	return NULL;
}

static void *self(void *arg)
{
	pthread_mutex_lock(&mutexes[0]);
	pthread_barrier_wait(&all_hold);
	pthread_mutex_lock(&mutexes[0]);
	return arg;
}

static void *idle(void *arg)
{
	pthread_barrier_wait(&all_hold);
	pthread_mutex_lock(&mutexes[0]);
	for (;;)
		pthread_cond_wait(&cond, &mutexes[0]);
	return arg;
}

/* A child with @n threads that do @what, of which @asleep will sleep in a futex. Finds its deadlocks. */
static void find(void *(*what)(void *), unsigned int n, unsigned int asleep, struct lsp_stuck *s)
{
	pid_t child = fork();
	unsigned int waiting = 0;
	uint32_t tgid;

	assert_true(child >= 0);
	if (!child) {
		pthread_t thread;

		threads = n;
		pthread_barrier_init(&all_hold, NULL, n);
		for (uintptr_t i = 0; i < n; i++)
			pthread_create(&thread, NULL, what, (void *)i);
		forever();
	}
	tgid = (uint32_t)child;
	/* The threads' numbers follow the child's own, unless others come in between: then they are looked for. */
	for (unsigned int round = 0; waiting < asleep && round < 5000; round++) {
		usleep(2000);
		waiting = 0;
		for (int tid = child + 1; tid < child + 200; tid++)
			waiting += sleeper_in_futex(tid);
	}
	usleep(20000);
	memset(s, 0, sizeof(*s));
	assert_int_equal(lsp_stuck_find(&tgid, 1, s), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void circles_are_found(void **state)
{
	struct lsp_stuck s;

	(void)state;
	for (unsigned int n = 2; n <= THREADS; n++) {
		find(circle, n, n, &s);
		assert_int_equal(s.n, n);
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(s.cycles[i], 0);
			assert_int_equal(s.waits[i].owner, s.waits[(i + 1) % n].own_tid);
		}
		lsp_stuck_uninit(&s);
	}
	find(self, 1, 1, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.waits[0].owner, s.waits[0].own_tid);
	lsp_stuck_uninit(&s);
	find(crosswise, 2, 2, &s);
	assert_int_equal(s.n, 2);
	lsp_stuck_uninit(&s);
}

static void nothing_else_is(void **state)
{
	static const struct {
		void *(*what)(void *);
		unsigned int n, asleep;
	} programs[] = { { circle_timed, 2, 2 }, { circle_timed, 3, 3 }, { chain, 3, 2 }, { idle, 3, 3 } };
	struct lsp_stuck s;

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		find(programs[i].what, programs[i].n, programs[i].asleep, &s);
		assert_int_equal(s.n, 0);
		lsp_stuck_uninit(&s);
	}
}

/* Two circles, and one who waits for a thread of a circle. */
static void circles_stand_apart(void **state)
{
	struct lsp_stuck_wait waits[] = {
		{ .tgid = 1, .own_tid = 1, .owner = 2 }, { .tgid = 1, .own_tid = 9, .owner = 3 },
		{ .tgid = 1, .own_tid = 3, .owner = 3 }, { .tgid = 1, .own_tid = 2, .owner = 1 },
		{ .tgid = 2, .own_tid = 2, .owner = 3 },
	};
	struct lsp_stuck s = { 0 };

	(void)state;
	assert_int_equal(lsp_stuck_cycles(waits, 5, &s), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.cycles[0], s.cycles[1]);
	assert_int_not_equal(s.cycles[1], s.cycles[2]);
	assert_int_equal(s.waits[2].own_tid, 3);
	lsp_stuck_uninit(&s);
}

/* Words before and behind which there is no mutex. */
static void not_every_word_is_a_lock(void **state)
{
	uint32_t words[LSP_STUCK_WORDS] = { 0, 0, 0, 2, 0, 77, 1, 0 };

	(void)state;
	assert_int_equal(lsp_stuck_owner(words), 77);
	words[3] = 1;
	assert_int_equal(lsp_stuck_owner(words), 0);
	words[3] = 2;
	words[6] = 0;
	assert_int_equal(lsp_stuck_owner(words), 0);
	words[6] = 1;
	words[7] = 0x10000;
	assert_int_equal(lsp_stuck_owner(words), 0);
	/* With priority inheritance the word itself says it. */
	words[7] = 32;
	assert_int_equal(lsp_stuck_owner(words), 0);
	words[3] = 77 | 0x80000000;
	assert_int_equal(lsp_stuck_owner(words), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(circles_are_found), cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(circles_stand_apart), cmocka_unit_test(not_every_word_is_a_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
