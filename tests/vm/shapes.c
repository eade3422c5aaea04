// SPDX-License-Identifier: GPL-2.0-only
/*
 * shapes NAME THREADS HOLD_US GAP_US MS: a program of one kind of contention, or
 * of none that has a name, for MS milliseconds. Its times are spread by a fixed
 * generator. Nothing of user/report/shape.c was chosen by looking at it.
 * libs: -lpthread
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64
#define FRAME __attribute__((noinline, noclone))
#define END __asm__ volatile("" ::: "memory")

static struct {
	long threads, hold_us, gap_us, end_us;
} task;

static pthread_mutex_t table_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t fair_mu, shard_mu[THREADS_MAX];
static pthread_rwlock_t config_rw;
static struct {
	pthread_mutex_t mu;
	pthread_cond_t has_work, space_left, settled;
	long n, room, generation;
} queue = { .mu = PTHREAD_MUTEX_INITIALIZER, .has_work = PTHREAD_COND_INITIALIZER,
	    .space_left = PTHREAD_COND_INITIALIZER, .settled = PTHREAD_COND_INITIALIZER };
static sem_t buffers_free, buffers_filled;
static volatile bool stop;

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Half to one and a half of @us. */
static long spread(uint64_t *seed, long us)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return us / 2 + (long)((*seed >> 33) % (uint64_t)(us + 1));
}

static void nap(long us)
{
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	if (us > 0)
		nanosleep(&t, NULL);
}

static void spin(long us)
{
	long end = now_us() + us;

	while (now_us() < end)
		;
}

static bool goes_on(void)
{
	return !stop && now_us() < task.end_us;
}

/* ---- a mutex of which one user holds long ---- */

static FRAME void lookup(uint64_t *seed)
{
	pthread_mutex_lock(&table_mu);
	spin(spread(seed, task.hold_us / 40));
	pthread_mutex_unlock(&table_mu);
	END;
}

static FRAME void rebuild(uint64_t *seed)
{
	pthread_mutex_lock(&table_mu);
	nap(spread(seed, task.hold_us));
	pthread_mutex_unlock(&table_mu);
	END;
}

static void slow_mutex(long i, uint64_t *seed)
{
	nap(spread(seed, i ? task.gap_us : 4 * task.gap_us));
	if (i)
		lookup(seed);
	else
		rebuild(seed);
}

/* ---- an rwlock of which one writer holds long ---- */

static FRAME void config_read(uint64_t *seed)
{
	pthread_rwlock_rdlock(&config_rw);
	spin(spread(seed, task.hold_us / 100));
	pthread_rwlock_unlock(&config_rw);
	END;
}

static FRAME void config_reload(uint64_t *seed)
{
	pthread_rwlock_wrlock(&config_rw);
	nap(spread(seed, task.hold_us));
	pthread_rwlock_unlock(&config_rw);
	END;
}

static void slow_writer(long i, uint64_t *seed)
{
	nap(spread(seed, i ? task.gap_us : 4 * task.gap_us));
	if (i)
		config_read(seed);
	else
		config_reload(seed);
}

/* ---- writers that follow each other past the readers ---- */

static FRAME void config_store(uint64_t *seed)
{
	pthread_rwlock_wrlock(&config_rw);
	spin(spread(seed, task.hold_us));
	pthread_rwlock_unlock(&config_rw);
	END;
}

static void starved_readers(long i, uint64_t *seed)
{
	if (2 * i >= task.threads) {
		nap(spread(seed, task.gap_us));
		config_read(seed);
	} else {
		config_store(seed);
		spin(spread(seed, task.hold_us / 10));
	}
}

/* ---- a lock with inheritance of priority, of which one user holds long ---- */

static FRAME void fair_get(uint64_t *seed)
{
	pthread_mutex_lock(&fair_mu);
	spin(spread(seed, task.hold_us / 40));
	pthread_mutex_unlock(&fair_mu);
	END;
}

static FRAME void fair_rebuild(uint64_t *seed)
{
	pthread_mutex_lock(&fair_mu);
	nap(spread(seed, task.hold_us));
	pthread_mutex_unlock(&fair_mu);
	END;
}

static void slow_pi(long i, uint64_t *seed)
{
	nap(spread(seed, i ? task.gap_us : 4 * task.gap_us));
	if (i)
		fair_get(seed);
	else
		fair_rebuild(seed);
}

/* ---- a lock that is handed from one to the next ---- */

static FRAME void fair_add(uint64_t *seed)
{
	pthread_mutex_lock(&fair_mu);
	spin(spread(seed, task.hold_us));
	pthread_mutex_unlock(&fair_mu);
	END;
}

static void convoy(long i, uint64_t *seed)
{
	(void)i;
	fair_add(seed);
	spin(spread(seed, task.gap_us));
}

/* ---- all at once ---- */

static FRAME void flush_stats(uint64_t *seed)
{
	pthread_mutex_lock(&table_mu);
	nap(spread(seed, task.hold_us));
	pthread_mutex_unlock(&table_mu);
	END;
}

static void herd_by_clock(long i, uint64_t *seed)
{
	(void)i;
	nap(task.gap_us - now_us() % task.gap_us);
	flush_stats(seed);
}

/* One token comes, everybody is woken for it, as by C++'s atomic notify_all(). */
static uint32_t tokens;

static FRAME void token_take(void)
{
	uint32_t n;

	while (goes_on()) {
		n = __atomic_load_n(&tokens, __ATOMIC_ACQUIRE);
		if (n && __atomic_compare_exchange_n(&tokens, &n, n - 1, false, __ATOMIC_ACQ_REL,
						     __ATOMIC_ACQUIRE))
			return;
		if (!n)
			syscall(SYS_futex, &tokens, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	}
}

static void herd_by_notify(long i, uint64_t *seed)
{
	if (i) {
		token_take();
		return;
	}
	nap(spread(seed, task.gap_us));
	__atomic_fetch_add(&tokens, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &tokens, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* The same by a condition variable: between two waits each is at the mutex. */
static FRAME void item_await(void)
{
	pthread_mutex_lock(&queue.mu);
	while (!queue.n && goes_on())
		pthread_cond_wait(&queue.settled, &queue.mu);
	queue.n -= queue.n > 0;
	pthread_mutex_unlock(&queue.mu);
	END;
}

static void herd_by_broadcast(long i, uint64_t *seed)
{
	if (i) {
		item_await();
		return;
	}
	nap(spread(seed, task.gap_us));
	pthread_mutex_lock(&queue.mu);
	queue.n++;
	pthread_mutex_unlock(&queue.mu);
	pthread_cond_broadcast(&queue.settled);
}

/* ---- queues ---- */

static FRAME void queue_add(void)
{
	pthread_mutex_lock(&queue.mu);
	while (queue.n >= queue.room && goes_on())
		pthread_cond_wait(&queue.space_left, &queue.mu);
	queue.n++;
	pthread_cond_signal(&queue.has_work);
	pthread_mutex_unlock(&queue.mu);
	END;
}

static FRAME void queue_get(void)
{
	pthread_mutex_lock(&queue.mu);
	while (!queue.n && goes_on())
		pthread_cond_wait(&queue.has_work, &queue.mu);
	queue.n -= queue.n > 0;
	pthread_cond_signal(&queue.space_left);
	pthread_mutex_unlock(&queue.mu);
	END;
}

static void full_queue(long i, uint64_t *seed)
{
	if (i) {
		nap(spread(seed, task.gap_us / 10));
		queue_add();
	} else {
		nap(spread(seed, task.gap_us));
		queue_get();
	}
}

static void idle_pool(long i, uint64_t *seed)
{
	if (i) {
		queue_get();
		spin(spread(seed, task.hold_us));
	} else {
		nap(spread(seed, task.gap_us));
		queue_add();
	}
}

static FRAME void buffer_fill(void)
{
	sem_wait(&buffers_free);
	sem_post(&buffers_filled);
	END;
}

static FRAME void buffer_drain(void)
{
	sem_wait(&buffers_filled);
	sem_post(&buffers_free);
	END;
}

static void full_buffers(long i, uint64_t *seed)
{
	nap(spread(seed, i ? task.gap_us / 10 : task.gap_us));
	if (i)
		buffer_fill();
	else
		buffer_drain();
}

/* ---- none of them ---- */

static void crowd(long i, uint64_t *seed)
{
	(void)i;
	flush_stats(seed);
	nap(spread(seed, task.gap_us));
}

static void shards(long i, uint64_t *seed)
{
	pthread_mutex_t *mu = &shard_mu[(spread(seed, 1000) + i) % task.threads];

	pthread_mutex_lock(mu);
	nap(spread(seed, task.hold_us));
	pthread_mutex_unlock(mu);
	nap(spread(seed, task.gap_us));
}

/* Waits of which no name says what they are for. */
static void ticks(long i, uint64_t *seed)
{
	long seen;

	pthread_mutex_lock(&queue.mu);
	if (!i) {
		queue.generation++;
		pthread_cond_broadcast(&queue.settled);
	}
	for (seen = queue.generation; i && seen == queue.generation && goes_on();)
		pthread_cond_wait(&queue.settled, &queue.mu);
	pthread_mutex_unlock(&queue.mu);
	if (!i)
		nap(spread(seed, task.gap_us));
}

static const struct {
	const char *name;
	void (*step)(long i, uint64_t *seed);
} programs[] = {
	{ "slow-mutex", slow_mutex }, { "slow-writer", slow_writer }, { "slow-pi", slow_pi },
	{ "starved-readers", starved_readers }, { "convoy", convoy },
	{ "herd-by-clock", herd_by_clock }, { "herd-by-notify", herd_by_notify },
	{ "herd-by-broadcast", herd_by_broadcast },
	{ "full-queue", full_queue }, { "full-buffers", full_buffers }, { "idle-pool", idle_pool },
	{ "crowd", crowd }, { "shards", shards }, { "ticks", ticks },
};
static void (*step)(long i, uint64_t *seed);

static void *worker(void *arg)
{
	long i = (long)arg;
	uint64_t seed = 0x9e3779b97f4a7c15ULL * (uint64_t)(i + 1);

	while (goes_on())
		step(i, &seed);
	/* whoever waits for something may look again */
	stop = true;
	pthread_mutex_lock(&queue.mu);
	pthread_cond_broadcast(&queue.has_work);
	pthread_cond_broadcast(&queue.space_left);
	pthread_cond_broadcast(&queue.settled);
	pthread_mutex_unlock(&queue.mu);
	sem_post(&buffers_free);
	sem_post(&buffers_filled);
	__atomic_fetch_add(&tokens, THREADS_MAX, __ATOMIC_RELEASE);
	syscall(SYS_futex, &tokens, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
	return NULL;
}

static void locks_init(void)
{
	pthread_rwlockattr_t rw;
	pthread_mutexattr_t pi;
	long i;

	pthread_rwlockattr_init(&rw);
	pthread_rwlockattr_setkind_np(&rw, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&config_rw, &rw);
	/* with inheritance of priority a lock is given to the one that waits longest */
	pthread_mutexattr_init(&pi);
	pthread_mutexattr_setprotocol(&pi, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&fair_mu, &pi);
	for (i = 0; i < THREADS_MAX; i++)
		pthread_mutex_init(&shard_mu[i], NULL);
	sem_init(&buffers_free, 0, 4);
	sem_init(&buffers_filled, 0, 0);
	queue.room = 8;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	size_t p = 0;
	long i;

	if (argc != 6 || atol(argv[2]) > THREADS_MAX)
		return 64;
	while (p < sizeof(programs) / sizeof(*programs) && strcmp(programs[p].name, argv[1]))
		p++;
	if (p == sizeof(programs) / sizeof(*programs))
		return 64;
	step = programs[p].step;
	task.threads = atol(argv[2]);
	task.hold_us = atol(argv[3]);
	task.gap_us = atol(argv[4]);
	task.end_us = now_us() + 1000 * atol(argv[5]);
	locks_init();
	for (i = 0; i < task.threads; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	for (i = 0; i < task.threads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
