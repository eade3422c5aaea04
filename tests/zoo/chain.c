// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits in each primitive of the C library by a chain of calls that it states:
 * a line for each thread name, "NAME;leaf;...;outermost", and for its releases
 * with "<" before it. Built in many ways
 * (PIE, static, stripped, musl) by tests/zoo/Makefile.
 */
#include <semaphore.h>

#include "subject.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t gate_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate = PTHREAD_COND_INITIALIZER;
static int gate_round;
static sem_t sem;
static volatile long sum;

static inline __attribute__((always_inline)) void locked_add(long n)
{
	pthread_mutex_lock(&mutex);
	sum += n;
	usleep(HOLD_US);
	pthread_mutex_unlock(&mutex);
}

static FRAME void mutex_take(long n)
{
	locked_add(n);
	END;
}

static FRAME void mutex_step(long n)
{
	mutex_take(n + 1);
	END;
}

static void *mutex_worker(void *arg)
{
	long i;

	thread_name("z-mutex");
	for (i = 0; i < ROUNDS; i++)
		mutex_step(i);
	return arg;
}

static FRAME void read_take(void)
{
	pthread_rwlock_rdlock(&rwlock);
	usleep(HOLD_US);
	pthread_rwlock_unlock(&rwlock);
	END;
}

static void *read_worker(void *arg)
{
	long i;

	thread_name("z-read");
	for (i = 0; i < ROUNDS; i++)
		read_take();
	return arg;
}

static FRAME void write_take(void)
{
	pthread_rwlock_wrlock(&rwlock);
	usleep(HOLD_US);
	pthread_rwlock_unlock(&rwlock);
	END;
}

static void *write_worker(void *arg)
{
	long i;

	thread_name("z-write");
	for (i = 0; i < ROUNDS; i++)
		write_take();
	return arg;
}

static FRAME void gate_wait(int round)
{
	pthread_mutex_lock(&gate_mutex);
	while (gate_round < round)
		pthread_cond_wait(&gate, &gate_mutex);
	pthread_mutex_unlock(&gate_mutex);
	END;
}

static void *gate_worker(void *arg)
{
	int i;

	thread_name("z-cond");
	for (i = 1; i <= ROUNDS; i++)
		gate_wait(i);
	return arg;
}

static FRAME void gate_open(void)
{
	pthread_mutex_lock(&gate_mutex);
	gate_round++;
	pthread_cond_broadcast(&gate);
	pthread_mutex_unlock(&gate_mutex);
	END;
}

static FRAME void sem_take(void)
{
	sem_wait(&sem);
	END;
}

static void *sem_worker(void *arg)
{
	int i;

	thread_name("z-sem");
	for (i = 0; i < ROUNDS; i++)
		sem_take();
	return arg;
}

static const char *const chains[] = {
	"z-mutex;pthread_mutex_lock;locked_add;mutex_take;mutex_step;mutex_worker",
	"z-read;pthread_rwlock_rdlock;read_take;read_worker",
	"z-write;pthread_rwlock_wrlock;write_take;write_worker",
	"z-cond;pthread_cond_wait;gate_wait;gate_worker",
	"z-cond;pthread_mutex_lock;gate_wait;gate_worker",
	"z-sem;sem_wait;sem_take;sem_worker",
	"z-main;pthread_mutex_lock;gate_open;main",
	"z-main;pthread_cond_broadcast;gate_open;main",
	"z-main;pthread_join;main",
	"<z-mutex;pthread_mutex_unlock;locked_add;mutex_take;mutex_step;mutex_worker",
	"<z-read;pthread_rwlock_unlock;read_take;read_worker",
	"<z-write;pthread_rwlock_unlock;write_take;write_worker",
	"<z-cond;pthread_cond_wait;gate_wait;gate_worker",
	"<z-cond;pthread_mutex_unlock;gate_wait;gate_worker",
	"<z-main;pthread_mutex_unlock;gate_open;main",
	"<z-main;pthread_cond_broadcast;gate_open;main",
	"<z-main;sem_post;main",
	/* a thread's end releases whoever joins it; musl's threads queue for the list of threads */
	"<*",
	"<*;pthread_exit",
	"*;pthread_exit",
};

static void *(*const workers[])(void *) = {
	mutex_worker, mutex_worker, mutex_worker, read_worker, write_worker, write_worker,
	gate_worker, gate_worker, sem_worker,
};

int main(void)
{
	pthread_t threads[sizeof(workers) / sizeof(*workers)];
	size_t i;

	thread_name("z-main");
	for (i = 0; i < sizeof(chains) / sizeof(*chains); i++)
		truth(chains[i]);
	sem_init(&sem, 0, 0);
	for (i = 0; i < sizeof(workers) / sizeof(*workers); i++)
		pthread_create(&threads[i], NULL, workers[i], NULL);
	for (i = 0; i < ROUNDS; i++) {
		usleep(2 * HOLD_US);
		gate_open();
		sem_post(&sem);
	}
	for (i = 0; i < sizeof(workers) / sizeof(*workers); i++)
		pthread_join(threads[i], NULL);
	return 0;
}
