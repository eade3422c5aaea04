// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits whose number is known and whose length the program's own clock has, for
 * every primitive that the userspace recorder knows: usertruth [ROUNDS [HOLD_US]].
 * One thread waits, the other lets it wait for so long after it has seen it asleep
 * in the kernel; between them they speak by pipes. Prints a line for each lock:
 * its name, waits, releases that somebody waited for, ns in the calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/sleeper.h"

static pthread_mutex_t m_normal, m_recursive, m_checked, m_robust, m_adaptive, m_pi, m_timed,
	m_clock, m_timeout, m_of_cond, m_of_timeout;
static pthread_rwlock_t rw_read, rw_write, rw_timed, rw_timeout;
static pthread_cond_t c_wait, c_timeout;
static sem_t s_wait, s_timeout;
static pthread_barrier_t barrier;
static mtx_t t_mutex, t_of_cond;
static cnd_t t_cond;
static int to_waiter[2], to_holder[2];
static pid_t waiter_tid;
static unsigned int hold_us = 2000;
static int happened;

static struct timespec in_ns(clockid_t clock, uint64_t ns)
{
	uint64_t at = clock_ns(clock) + ns;

	return (struct timespec){ (time_t)(at / 1000000000), (long)(at % 1000000000) };
}

static struct timespec late(void)
{
	return in_ns(CLOCK_REALTIME, 60000000000ULL);
}

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "usertruth: %s failed\n", what);
	_exit(1);
}

static void tell(const int *fds)
{
	must(write(fds[1], "", 1) == 1, "write");
}

static void hear(const int *fds)
{
	char c;

	must(read(fds[0], &c, 1) == 1, "read");
}

/*
 * What the two do in a round: the holder takes, tells, sees the waiter asleep and
 * gives; the waiter waits by a call that is timed, and puts back what it got.
 */
static void mutex_take(void *l) { must(!pthread_mutex_lock(l), "lock"); }
static void mutex_give(void *l) { must(!pthread_mutex_unlock(l), "unlock"); }
static int mutex_wait(void *l) { return pthread_mutex_lock(l); }
static int mutex_wait_timed(void *l) { struct timespec t = late(); return pthread_mutex_timedlock(l, &t); }
static int mutex_wait_clock(void *l)
{
	struct timespec t = in_ns(CLOCK_MONOTONIC, 60000000000ULL);

	return pthread_mutex_clocklock(l, CLOCK_MONOTONIC, &t);
}
static int mutex_wait_timeout(void *l)
{
	struct timespec t = in_ns(CLOCK_REALTIME, hold_us * 1500ULL);

	return pthread_mutex_timedlock(l, &t) == ETIMEDOUT ? 0 : EINVAL;
}
static void recursive_take(void *l) { mutex_take(l); mutex_take(l); }
static void recursive_give(void *l) { mutex_give(l); mutex_give(l); }

static void rw_take(void *l) { must(!pthread_rwlock_wrlock(l), "wrlock"); }
static void rw_give(void *l) { must(!pthread_rwlock_unlock(l), "rwlock_unlock"); }
static int rw_wait_read(void *l) { return pthread_rwlock_rdlock(l); }
static int rw_wait_write(void *l) { return pthread_rwlock_wrlock(l); }
static int rw_wait_timed(void *l) { struct timespec t = late(); return pthread_rwlock_timedwrlock(l, &t); }
static int rw_wait_timeout(void *l)
{
	struct timespec t = in_ns(CLOCK_REALTIME, hold_us * 1500ULL);

	return pthread_rwlock_timedrdlock(l, &t) == ETIMEDOUT ? 0 : EINVAL;
}

static void nothing(void *l) { (void)l; }

static int cond_wait(void *c)
{
	int ret = 0;

	pthread_mutex_lock(&m_of_cond);
	while (!happened && !ret)
		ret = pthread_cond_wait(c, &m_of_cond);
	happened = 0;
	pthread_mutex_unlock(&m_of_cond);
	return ret;
}
static void cond_give(void *c)
{
	pthread_mutex_lock(&m_of_cond);
	happened = 1;
	pthread_mutex_unlock(&m_of_cond);
	pthread_cond_signal(c);
}
static int cond_wait_timeout(void *c)
{
	struct timespec t = in_ns(CLOCK_REALTIME, hold_us * 1500ULL);
	int ret;

	pthread_mutex_lock(&m_of_timeout);
	ret = pthread_cond_timedwait(c, &m_of_timeout, &t);
	pthread_mutex_unlock(&m_of_timeout);
	return ret == ETIMEDOUT ? 0 : EINVAL;
}

static int sem_take(void *s) { return sem_wait(s); }
static void sem_give(void *s) { sem_post(s); }
static int sem_take_timeout(void *s)
{
	struct timespec t = in_ns(CLOCK_REALTIME, hold_us * 1500ULL);

	return sem_timedwait(s, &t) && errno == ETIMEDOUT ? 0 : EINVAL;
}

static int barrier_arrive(void *b) { return pthread_barrier_wait(b) ? EINVAL : 0; }
static void barrier_arrive_last(void *b)
{
	must(pthread_barrier_wait(b) == PTHREAD_BARRIER_SERIAL_THREAD, "to be the last");
}

static void c11_take(void *l) { must(mtx_lock(l) == thrd_success, "mtx_lock"); }
static void c11_give(void *l) { must(mtx_unlock(l) == thrd_success, "mtx_unlock"); }
static int c11_wait(void *l) { return mtx_lock(l) != thrd_success; }
static int c11_cond_wait(void *c)
{
	mtx_lock(&t_of_cond);
	while (!happened)
		cnd_wait(c, &t_of_cond);
	happened = 0;
	mtx_unlock(&t_of_cond);
	return 0;
}
static void c11_cond_give(void *c)
{
	mtx_lock(&t_of_cond);
	happened = 1;
	mtx_unlock(&t_of_cond);
	cnd_signal(c);
}

static const struct kind {
	const char *name;
	void *lock;
	void (*take)(void *lock);
	int (*wait)(void *lock);
	void (*put_back)(void *lock);
	void (*give)(void *lock);
	unsigned int releases;	/* in a round: gives that somebody waits for */
	int gives_up;		/* the holder gives when the waiter has come back without it */
} kinds[] = {
#define LOCK(name, take, wait, give) { #name, &name, take, wait, give, give, 1, 0 }
	LOCK(m_normal, mutex_take, mutex_wait, mutex_give),
	{ "m_recursive", &m_recursive, recursive_take, mutex_wait, mutex_give, recursive_give, 1, 0 },
	LOCK(m_checked, mutex_take, mutex_wait, mutex_give),
	LOCK(m_robust, mutex_take, mutex_wait, mutex_give),
	LOCK(m_adaptive, mutex_take, mutex_wait, mutex_give),
	LOCK(m_pi, mutex_take, mutex_wait, mutex_give),
	LOCK(m_timed, mutex_take, mutex_wait_timed, mutex_give),
	LOCK(m_clock, mutex_take, mutex_wait_clock, mutex_give),
	{ "m_timeout", &m_timeout, mutex_take, mutex_wait_timeout, nothing, mutex_give, 0, 1 },
	LOCK(rw_read, rw_take, rw_wait_read, rw_give),
	LOCK(rw_write, rw_take, rw_wait_write, rw_give),
	LOCK(rw_timed, rw_take, rw_wait_timed, rw_give),
	{ "rw_timeout", &rw_timeout, rw_take, rw_wait_timeout, nothing, rw_give, 0, 1 },
	{ "c_wait", &c_wait, nothing, cond_wait, nothing, cond_give, 0, 0 },
	{ "c_timeout", &c_timeout, nothing, cond_wait_timeout, nothing, nothing, 0, 1 },
	{ "s_wait", &s_wait, nothing, sem_take, nothing, sem_give, 0, 0 },
	{ "s_timeout", &s_timeout, nothing, sem_take_timeout, nothing, nothing, 0, 1 },
	{ "barrier", &barrier, nothing, barrier_arrive, nothing, barrier_arrive_last, 0, 0 },
	LOCK(t_mutex, c11_take, c11_wait, c11_give),
	{ "t_cond", &t_cond, nothing, c11_cond_wait, nothing, c11_cond_give, 0, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static unsigned int rounds = 20;
static uint64_t call_ns[KINDS];

static void *waiter(void *arg)
{
	(void)arg;
	waiter_tid = (pid_t)syscall(SYS_gettid);
	tell(to_holder);
	for (size_t k = 0; k < KINDS; k++) {
		for (unsigned int i = 0; i < rounds; i++) {
			uint64_t start_ns;
			int ret;

			hear(to_waiter);
			start_ns = clock_ns(CLOCK_MONOTONIC);
			ret = kinds[k].wait(kinds[k].lock);
			call_ns[k] += clock_ns(CLOCK_MONOTONIC) - start_ns;
			must(!ret, kinds[k].name);
			kinds[k].put_back(kinds[k].lock);
			tell(to_holder);
		}
	}
	return NULL;
}

static void *sleeper(void *arg)
{
	usleep(hold_us);
	return arg;
}

/* Joins are waits, too; the thread that ends cannot be seen asleep, but it sleeps itself. */
static uint64_t joins_make(void)
{
	uint64_t ns = 0;

	for (unsigned int i = 0; i < rounds; i++) {
		pthread_t t;
		uint64_t start_ns;

		must(!pthread_create(&t, NULL, sleeper, NULL), "pthread_create");
		start_ns = clock_ns(CLOCK_MONOTONIC);
		pthread_join(t, NULL);
		ns += clock_ns(CLOCK_MONOTONIC) - start_ns;
	}
	return ns;
}

static void mutexes_init(void)
{
	pthread_mutex_t *plain[] = { &m_normal, &m_timed, &m_clock, &m_timeout, &m_of_cond, &m_of_timeout };
	pthread_mutexattr_t a;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		pthread_mutex_init(plain[i], NULL);
#define INIT(lock, set, how) \
	pthread_mutexattr_init(&a); \
	set(&a, how); \
	pthread_mutex_init(&lock, &a)
	INIT(m_recursive, pthread_mutexattr_settype, PTHREAD_MUTEX_RECURSIVE);
	INIT(m_checked, pthread_mutexattr_settype, PTHREAD_MUTEX_ERRORCHECK);
	INIT(m_adaptive, pthread_mutexattr_settype, PTHREAD_MUTEX_ADAPTIVE_NP);
	INIT(m_robust, pthread_mutexattr_setrobust, PTHREAD_MUTEX_ROBUST);
	INIT(m_pi, pthread_mutexattr_setprotocol, PTHREAD_PRIO_INHERIT);
	mtx_init(&t_mutex, mtx_plain);
	mtx_init(&t_of_cond, mtx_plain);
}

static void others_init(void)
{
	pthread_rwlock_init(&rw_read, NULL);
	pthread_rwlock_init(&rw_write, NULL);
	pthread_rwlock_init(&rw_timed, NULL);
	pthread_rwlock_init(&rw_timeout, NULL);
	pthread_cond_init(&c_wait, NULL);
	pthread_cond_init(&c_timeout, NULL);
	cnd_init(&t_cond);
	sem_init(&s_wait, 0, 0);
	sem_init(&s_timeout, 0, 0);
	pthread_barrier_init(&barrier, NULL, 2);
}

int main(int argc, char **argv)
{
	pthread_attr_t detached;
	pthread_t t;
	uint64_t join_ns;

	if (argc > 1)
		rounds = (unsigned int)atoi(argv[1]);
	if (argc > 2)
		hold_us = (unsigned int)atoi(argv[2]);
	mutexes_init();
	others_init();
	must(!pipe(to_waiter) && !pipe(to_holder), "pipe");
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	must(!pthread_create(&t, &detached, waiter, NULL), "pthread_create");
	hear(to_holder);
	for (size_t k = 0; k < KINDS; k++) {
		const struct kind *kind = &kinds[k];

		for (unsigned int i = 0; i < rounds; i++) {
			kind->take(kind->lock);
			tell(to_waiter);
			if (!kind->gives_up) {
				sleeper_await(&waiter_tid);
				usleep(hold_us);
				kind->give(kind->lock);
				hear(to_holder);
			} else {
				hear(to_holder);
				kind->give(kind->lock);
			}
		}
	}
	join_ns = joins_make();
	for (size_t k = 0; k < KINDS; k++)
		printf("%s %u %u %llu\n", kinds[k].name, rounds, rounds * kinds[k].releases,
		       (unsigned long long)call_ns[k]);
	printf("join %u 0 %llu\n", rounds, (unsigned long long)join_ns);
	return 0;
}
