/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits for and releases each primitive of libpthread, one after the other. A
 * function w_NAME waits in NAME, r_NAME releases: whoever traces the futex
 * calls reads from the stack what is expected.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/sleeper.h"

#define NOINLINE __attribute__((noinline, noclone))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t cond_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t pi_mutex;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t sem;
static mtx_t mtx;
static cnd_t cnd;
static FILE *file;
static volatile int ready, go;

static struct timespec deadline(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 20;
	return t;
}

/* Until another thread waits in a futex, for the word at @word if that is not NULL, and a little longer. */
static void settle_at(const char *word, int tries)
{
	int found = 0;

	while (tries-- && !found) {
		DIR *d = opendir("/proc/self/task");
		struct dirent *e;

		while (d && (e = readdir(d)))
			found |= atoi(e->d_name) != gettid() && sleeper_in_futex_at(atoi(e->d_name), word);
		if (d)
			closedir(d);
		usleep(5000);
	}
	usleep(5000);
}

static void settle(void)
{
	settle_at(NULL, 2000);
}

#define WAITER(name, ...)						\
static NOINLINE void w_##name(void) { __VA_ARGS__; __asm__ volatile(""); }	\
static void *run_##name(void *arg) { w_##name(); return arg; }
#define RELEASER(name, ...)						\
static NOINLINE void r_##name(void) { __VA_ARGS__; __asm__ volatile(""); }

WAITER(pthread_mutex_lock, pthread_mutex_lock(&mutex); pthread_mutex_unlock(&mutex))
WAITER(pthread_mutex_timedlock, struct timespec t = deadline();
       pthread_mutex_timedlock(&mutex, &t); pthread_mutex_unlock(&mutex))
RELEASER(pthread_mutex_unlock, pthread_mutex_unlock(&mutex))
WAITER(pi_pthread_mutex_lock, pthread_mutex_lock(&pi_mutex); pthread_mutex_unlock(&pi_mutex))
RELEASER(pi_pthread_mutex_unlock, pthread_mutex_unlock(&pi_mutex))
WAITER(pthread_rwlock_rdlock, pthread_rwlock_rdlock(&rwlock); pthread_rwlock_unlock(&rwlock))
WAITER(pthread_rwlock_wrlock, pthread_rwlock_wrlock(&rwlock); pthread_rwlock_unlock(&rwlock))
WAITER(pthread_rwlock_timedrdlock, struct timespec t = deadline();
       pthread_rwlock_timedrdlock(&rwlock, &t); pthread_rwlock_unlock(&rwlock))
RELEASER(pthread_rwlock_unlock, pthread_rwlock_unlock(&rwlock))
WAITER(pthread_cond_wait, pthread_mutex_lock(&cond_mutex); ready = 1;
       while (!go) pthread_cond_wait(&cond, &cond_mutex); pthread_mutex_unlock(&cond_mutex))
WAITER(pthread_cond_timedwait, struct timespec t = deadline(); pthread_mutex_lock(&cond_mutex);
       ready = 1; while (!go) pthread_cond_timedwait(&cond, &cond_mutex, &t);
       pthread_mutex_unlock(&cond_mutex))
/* woken while the mutex is held: waits once more, for the mutex */
WAITER(relock_pthread_cond_wait, pthread_mutex_lock(&cond_mutex); ready = 1;
       while (!go) pthread_cond_wait(&cond, &cond_mutex); pthread_mutex_unlock(&cond_mutex))
RELEASER(pthread_cond_signal, pthread_cond_signal(&cond))
RELEASER(pthread_cond_broadcast, pthread_cond_broadcast(&cond))
RELEASER(cond_mutex_unlock, pthread_mutex_unlock(&cond_mutex))
WAITER(sem_wait, sem_wait(&sem))
WAITER(sem_timedwait, struct timespec t = deadline(); sem_timedwait(&sem, &t))
RELEASER(sem_post, sem_post(&sem))
WAITER(pthread_barrier_wait, pthread_barrier_wait(&barrier))
RELEASER(pthread_barrier_wait, pthread_barrier_wait(&barrier))
WAITER(mtx_lock, mtx_lock(&mtx); mtx_unlock(&mtx))
RELEASER(mtx_unlock, mtx_unlock(&mtx))
WAITER(cnd_wait, mtx_lock(&mtx); ready = 1; while (!go) cnd_wait(&cnd, &mtx); mtx_unlock(&mtx))
RELEASER(cnd_signal, cnd_signal(&cnd))
WAITER(putc, putc('x', file))
WAITER(fprintf, fprintf(file, "%d\n", 1))
RELEASER(funlockfile, funlockfile(file))

static NOINLINE void slow_init(void)
{
	go = 1;
	settle();
}

WAITER(pthread_once, while (!go) usleep(1000); pthread_once(&once, slow_init))
RELEASER(pthread_once, pthread_once(&once, slow_init))

static NOINLINE void w_pthread_join(pthread_t t)
{
	pthread_join(t, NULL);
	__asm__ volatile("");
}

static void *sleeper(void *arg)
{
	usleep(300000);
	return arg;
}

static pthread_t start(void *(*run)(void *))
{
	pthread_t t;

	ready = go = 0;
	if (pthread_create(&t, NULL, run, NULL))
		exit(1);
	return t;
}

static void finish(pthread_t t)
{
	pthread_join(t, NULL);
}

/* A lock that main holds while the other waits for it. */
#define LOCK_CASE(take, run, release) do {				\
	pthread_t t;							\
	take;								\
	t = start(run);							\
	settle();							\
	release();							\
	finish(t);							\
} while (0)

static void cond_case(void *(*run)(void *), pthread_mutex_t *m, void (*release)(void))
{
	pthread_t t = start(run);

	while (!ready)
		usleep(1000);
	settle();
	pthread_mutex_lock(m);
	go = 1;
	release();
	/* It comes for the mutex, or is moved there while it sleeps: then nothing is to be seen. */
	settle_at((const char *)m, 100);
	r_cond_mutex_unlock();
	finish(t);
}

static void cnd_case(void)
{
	pthread_t t = start(run_cnd_wait);

	while (!ready)
		usleep(1000);
	settle();
	mtx_lock(&mtx);
	go = 1;
	mtx_unlock(&mtx);
	r_cnd_signal();
	finish(t);
}

static void once_case(void)
{
	pthread_t t = start(run_pthread_once);

	r_pthread_once();
	finish(t);
}

int main(void)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&pi_mutex, &a);
	pthread_barrier_init(&barrier, NULL, 2);
	sem_init(&sem, 0, 0);
	mtx_init(&mtx, mtx_plain);
	cnd_init(&cnd);
	file = fopen("/dev/null", "w");
	LOCK_CASE(pthread_mutex_lock(&mutex), run_pthread_mutex_lock, r_pthread_mutex_unlock);
	LOCK_CASE(pthread_mutex_lock(&mutex), run_pthread_mutex_timedlock, r_pthread_mutex_unlock);
	LOCK_CASE(pthread_mutex_lock(&pi_mutex), run_pi_pthread_mutex_lock, r_pi_pthread_mutex_unlock);
	LOCK_CASE(pthread_rwlock_wrlock(&rwlock), run_pthread_rwlock_rdlock, r_pthread_rwlock_unlock);
	LOCK_CASE(pthread_rwlock_rdlock(&rwlock), run_pthread_rwlock_wrlock, r_pthread_rwlock_unlock);
	LOCK_CASE(pthread_rwlock_wrlock(&rwlock), run_pthread_rwlock_timedrdlock,
		  r_pthread_rwlock_unlock);
	LOCK_CASE((void)0, run_sem_wait, r_sem_post);
	LOCK_CASE((void)0, run_sem_timedwait, r_sem_post);
	LOCK_CASE((void)0, run_pthread_barrier_wait, r_pthread_barrier_wait);
	LOCK_CASE(mtx_lock(&mtx), run_mtx_lock, r_mtx_unlock);
	LOCK_CASE(flockfile(file), run_putc, r_funlockfile);
	LOCK_CASE(flockfile(file), run_fprintf, r_funlockfile);
	cond_case(run_pthread_cond_wait, &cond_mutex, r_pthread_cond_signal);
	cond_case(run_pthread_cond_timedwait, &cond_mutex, r_pthread_cond_broadcast);
	cond_case(run_relock_pthread_cond_wait, &cond_mutex, r_pthread_cond_signal);
	cnd_case();
	once_case();
	w_pthread_join(start(sleeper));
	return 0;
}
