// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that are cancelled in each function that is a cancellation point and that the userspace
 * recorder stands before, and calls that the C library refuses or answers in a way of its own:
 * userends. A line for each; with the recorder and without they must be the same. Each "waits"
 * is one wait that began and was cancelled.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "../lib/sleeper.h"

static pthread_mutex_t of_cond = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static mtx_t c11_mutex;
static cnd_t c11_cond;
static sem_t closed, open_one;
static pthread_t sleeper;
static thrd_t c11_sleeper;
static volatile pid_t tid;
static int cleaned;

static void *sleep_long(void *arg)
{
	pause();
	return arg;
}

static int c11_sleep_long(void *arg)
{
	(void)arg;
	return pause();
}

static void cleanup(void *arg)
{
	(void)arg;
	cleaned++;
}

/* It is the caller's again when a cancelled wait on a condition is unwound. */
static void mutex_give(void *m)
{
	cleaned++;
	if (pthread_mutex_trylock(m) != EBUSY || pthread_mutex_unlock(m))
		puts("the mutex is not held");
}

static struct timespec late(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += 60;
	return t;
}

static void cond_any(int which)
{
	struct timespec t = late(which == 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME);

	pthread_mutex_lock(&of_cond);
	pthread_cleanup_push(mutex_give, &of_cond);
	for (;;) {
		if (which == 0)
			pthread_cond_wait(&cond, &of_cond);
		else if (which == 1)
			pthread_cond_timedwait(&cond, &of_cond, &t);
		else
			pthread_cond_clockwait(&cond, &of_cond, CLOCK_MONOTONIC, &t);
	}
	pthread_cleanup_pop(0);
}

static void c11_any(int timed)
{
	struct timespec t = late(CLOCK_REALTIME);

	mtx_lock(&c11_mutex);
	for (;;) {
		if (timed)
			cnd_timedwait(&c11_cond, &c11_mutex, &t);
		else
			cnd_wait(&c11_cond, &c11_mutex);
	}
}

static void do_cond_wait(void) { cond_any(0); }
static void do_cond_timedwait(void) { cond_any(1); }
static void do_cond_clockwait(void) { cond_any(2); }
static void do_cnd_wait(void) { c11_any(0); }
static void do_cnd_timedwait(void) { c11_any(1); }
static void do_sem_wait(void) { sem_wait(&closed); }
static void do_sem_timedwait(void) { struct timespec t = late(CLOCK_REALTIME); sem_timedwait(&closed, &t); }
static void do_sem_clockwait(void)
{
	struct timespec t = late(CLOCK_MONOTONIC);

	sem_clockwait(&closed, CLOCK_MONOTONIC, &t);
}
static void do_join(void) { pthread_join(sleeper, NULL); }
static void do_timedjoin(void) { struct timespec t = late(CLOCK_REALTIME); pthread_timedjoin_np(sleeper, NULL, &t); }
static void do_clockjoin(void)
{
	struct timespec t = late(CLOCK_MONOTONIC);

	pthread_clockjoin_np(sleeper, NULL, CLOCK_MONOTONIC, &t);
}
static void do_thrd_join(void) { thrd_join(c11_sleeper, NULL); }
static void do_sem_async(void)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	sem_wait(&closed);
}
static void do_mutex_async(void)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_mutex_lock(&held);
}

static const struct point {
	const char *name;
	void (*wait)(void);
} points[] = {
	{ "sem_wait", do_sem_wait }, { "sem_timedwait", do_sem_timedwait },
	{ "sem_clockwait", do_sem_clockwait }, { "pthread_cond_wait", do_cond_wait },
	{ "pthread_cond_timedwait", do_cond_timedwait }, { "pthread_cond_clockwait", do_cond_clockwait },
	{ "cnd_wait", do_cnd_wait }, { "cnd_timedwait", do_cnd_timedwait },
	{ "pthread_join", do_join }, { "pthread_timedjoin_np", do_timedjoin },
	{ "pthread_clockjoin_np", do_clockjoin }, { "thrd_join", do_thrd_join },
	{ "asynchronously in sem_wait", do_sem_async },
	{ "asynchronously in pthread_mutex_lock", do_mutex_async },
};

static void *waiter(void *arg)
{
	const struct point *p = arg;

	tid = (pid_t)syscall(SYS_gettid);
	pthread_cleanup_push(cleanup, NULL);
	p->wait();
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel(const struct point *p)
{
	pthread_t t;
	void *value;

	tid = 0;
	cleaned = 0;
	pthread_create(&t, NULL, waiter, (void *)p);
	sleeper_await(&tid);
	usleep(20000);
	pthread_cancel(t);
	while (pthread_tryjoin_np(t, &value))
		usleep(1000);
	printf("%s: %s, %d cleaned up\n", p->name, value == PTHREAD_CANCELED ? "cancelled" : "ended", cleaned);
}

static void *takes_and_posts(void *arg)
{
	for (;;) {
		sem_wait(arg);
		sem_post(arg);
	}
	return NULL;
}

/* A semaphore that is always there: nothing but the call itself can notice. */
static void cancel_without_waiting(void)
{
	pthread_t t;
	void *value;

	pthread_create(&t, NULL, takes_and_posts, &open_one);
	usleep(20000);
	pthread_cancel(t);
	while (pthread_tryjoin_np(t, &value))
		usleep(1000);
	printf("sem_wait without waiting: %s\n", value == PTHREAD_CANCELED ? "cancelled" : "ended");
}

static void refused(const char *name, int ret)
{
	printf("%s: %d, errno %d\n", name, ret, ret == -1 ? errno : 0);
}

/* Nobody has any of these, so a try would succeed. */
static void wrong_times(void)
{
	struct timespec wrong = { 0, 2000000000 }, past = { 0, 0 };
	pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	sem_t s;

	sem_init(&s, 0, 9);
	refused("sem_timedwait, wrong time", sem_timedwait(&s, &wrong));
	refused("sem_timedwait, past", sem_timedwait(&s, &past));
	refused("sem_clockwait, wrong clock", sem_clockwait(&s, CLOCK_PROCESS_CPUTIME_ID, &past));
	refused("timedrdlock, wrong time", pthread_rwlock_timedrdlock(&l, &wrong));
	refused("timedrdlock, past", pthread_rwlock_timedrdlock(&l, &past));
	refused("timedwrlock, taken", pthread_rwlock_timedwrlock(&l, &past));
	pthread_rwlock_unlock(&l);
	refused("clockwrlock, wrong clock", pthread_rwlock_clockwrlock(&l, CLOCK_PROCESS_CPUTIME_ID, &past));
	refused("timedwrlock, wrong time", pthread_rwlock_timedwrlock(&l, &wrong));
	refused("mutex_timedlock, wrong time", pthread_mutex_timedlock(&m, &wrong));
	refused("mutex_timedlock, taken, wrong time", pthread_mutex_timedlock(&m, &wrong));
	refused("mutex_timedlock, taken, past", pthread_mutex_timedlock(&m, &past));
	pthread_mutex_unlock(&m);
	refused("mutex_clocklock, wrong clock", pthread_mutex_clocklock(&m, CLOCK_PROCESS_CPUTIME_ID, &past));
}

static pthread_mutex_t robust;

static void *robust_keep(void *arg)
{
	pthread_mutex_lock(&robust);
	return arg;
}

static void *robust_lock(void *arg)
{
	refused("a lost mutex, another thread", pthread_mutex_lock(&robust));
	return arg;
}

/* A mutex that is lost for good is refused each time, to each thread. Nobody waits for it. */
static void lost_mutex(void)
{
	struct timespec soon = late(CLOCK_REALTIME);
	pthread_mutexattr_t a;
	pthread_t t;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &a);
	pthread_create(&t, NULL, robust_keep, NULL);
	pthread_join(t, NULL);
	refused("a mutex whose owner died", pthread_mutex_lock(&robust));
	pthread_mutex_unlock(&robust);
	for (int i = 0; i < 2; i++) {
		refused("a lost mutex", pthread_mutex_lock(&robust));
		refused("a lost mutex, timed", pthread_mutex_timedlock(&robust, &soon));
		refused("a lost mutex, by a clock", pthread_mutex_clocklock(&robust, CLOCK_REALTIME, &soon));
	}
	pthread_create(&t, NULL, robust_lock, NULL);
	pthread_join(t, NULL);
	pthread_mutex_destroy(&robust);
}

static void *nothing(void *arg)
{
	tid = (pid_t)syscall(SYS_gettid);
	return arg;
}

/* The thread has ended, so that a join need not wait. */
static void join_by_wrong_clock(void)
{
	struct timespec past = { 0, 0 };
	pthread_t t;

	tid = 0;
	pthread_create(&t, NULL, nothing, NULL);
	while (!tid || !syscall(SYS_tgkill, getpid(), tid, 0))
		usleep(1000);
	refused("clockjoin, wrong clock", pthread_clockjoin_np(t, NULL, CLOCK_PROCESS_CPUTIME_ID, &past));
	refused("then a join", pthread_join(t, NULL));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	sem_init(&closed, 0, 0);
	sem_init(&open_one, 0, 1);
	mtx_init(&c11_mutex, mtx_plain);
	cnd_init(&c11_cond);
	pthread_mutex_lock(&held);
	pthread_create(&sleeper, NULL, sleep_long, NULL);
	thrd_create(&c11_sleeper, c11_sleep_long, NULL);
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		cancel(&points[i]);
		/* Cancelled in its wait, the thread has it; the next one begins anew. */
		if (points[i].wait == do_cnd_wait || points[i].wait == do_cnd_timedwait)
			mtx_init(&c11_mutex, mtx_plain);
	}
	cancel_without_waiting();
	wrong_times();
	lost_mutex();
	join_by_wrong_clock();
	return 0;
}
