// SPDX-License-Identifier: GPL-2.0-only
/*
 * roles SUBJECT: threads that share something of which it is known whether it is a lock.
 *
 * One thread, named `slow`, holds it 20 times as long as the others. Subjects that are locks:
 *   mutex      the C library's
 *   sem1       a semaphore of one permit; sem1-fork: between processes
 *   three      a futex word with three states
 *   ticket     tickets in a futex word, on which everybody is woken
 *   park       each thread sleeps on a word of its own, and whoever comes first has the lock
 *   park-fair  the same, but the lock is the woken thread's
 *   park-two   two locks like park, both taken in one place
 * and others:
 *   sem2, sem4, sem8   semaphores of more permits
 *   queue      pieces of work, made by one thread
 *   pool       the same, but the workers make work, too; pool-own: each sleeps on its own word
 *   pipeline   each thread hands on to the next
 *   barrier    whoever comes last wakes all
 * Prints of locks what of the time in lock calls fell into the slow thread's holds and into all, by the
 * threads' clocks.
 * libs: -lpthread
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define US 1000ULL
#define NOINLINE __attribute__((noinline, noclone))
#define THREADS_MAX 24
#define ROUNDS_MAX 1000
#define LOCKS 2

struct interval {
	uint64_t from_ns, to_ns;
	int lock;
};

struct member {
	_Alignas(64) atomic_int word;	/* it sleeps while this is 0 */
	_Alignas(64) struct interval waits[ROUNDS_MAX], holds[ROUNDS_MAX];
	int n;
	uint32_t random;
};

/* A lock or anything else that is shared; each subject uses its part. */
struct shared {
	pthread_mutex_t mutex;
	sem_t sem;
	_Alignas(64) atomic_int word;
	_Alignas(64) atomic_uint next_ticket;
	_Alignas(64) atomic_int guard;	/* of the queue */
	int queue[THREADS_MAX], n;
	bool taken;
};

struct subject {
	const char *name;
	int threads, permits;
	void (*lock)(int i, int which), (*unlock)(int i, int which);
	void (*work)(int i);		/* in place of them */
	bool forks, fair;
	bool submits;			/* workers make work */
	int locks;
};

static struct {
	struct shared shared[LOCKS];
	struct member members[THREADS_MAX];
	atomic_bool stop;
} *z;

static const struct subject *s;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void nap_us(uint64_t us)
{
	struct timespec t = { .tv_nsec = (long)(us * US) };

	nanosleep(&t, NULL);
}

static uint32_t below(int i, uint32_t n)
{
	z->members[i].random = z->members[i].random * 1664525U + 1013904223U;
	return (z->members[i].random >> 8) % n;
}

static uint64_t about_us(int i, uint32_t us)
{
	return us / 2 + below(i, us);
}

static void futex_wait(atomic_int *word, int seen)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(atomic_int *word, int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* ---- locks ---- */

static NOINLINE void mutex_lock(int i, int which)
{
	(void)i;
	pthread_mutex_lock(&z->shared[which].mutex);
}

static NOINLINE void mutex_unlock(int i, int which)
{
	(void)i;
	pthread_mutex_unlock(&z->shared[which].mutex);
}

static NOINLINE void sem_take(int i, int which)
{
	(void)i;
	sem_wait(&z->shared[which].sem);
}

static NOINLINE void sem_give(int i, int which)
{
	(void)i;
	sem_post(&z->shared[which].sem);
}

static NOINLINE void three_lock(int i, int which)
{
	atomic_int *word = &z->shared[which].word;
	int free = 0;

	(void)i;
	if (atomic_compare_exchange_strong(word, &free, 1))
		return;
	while (atomic_exchange(word, 2))
		futex_wait(word, 2);
}

static NOINLINE void three_unlock(int i, int which)
{
	(void)i;
	if (atomic_exchange(&z->shared[which].word, 0) == 2)
		futex_wake(&z->shared[which].word, 1);
}

static NOINLINE void ticket_lock(int i, int which)
{
	struct shared *l = &z->shared[which];
	int mine = (int)atomic_fetch_add(&l->next_ticket, 1), served;

	(void)i;
	while ((served = atomic_load(&l->word)) != mine)
		futex_wait(&l->word, served);
}

static NOINLINE void ticket_unlock(int i, int which)
{
	(void)i;
	atomic_fetch_add(&z->shared[which].word, 1);
	futex_wake(&z->shared[which].word, INT_MAX);
}

static void guard_take(struct shared *l)
{
	while (atomic_exchange(&l->guard, 1))
		sched_yield();
}

static NOINLINE void park(int i)
{
	while (!atomic_load(&z->members[i].word))
		futex_wait(&z->members[i].word, 0);
}

static NOINLINE void unpark(int i)
{
	atomic_store(&z->members[i].word, 1);
	futex_wake(&z->members[i].word, 1);
}

static NOINLINE void park_lock(int i, int which)
{
	struct shared *l = &z->shared[which];

	for (;;) {
		guard_take(l);
		if (!l->taken) {
			l->taken = true;
			atomic_store(&l->guard, 0);
			return;
		}
		atomic_store(&z->members[i].word, 0);
		l->queue[l->n++] = i;
		atomic_store(&l->guard, 0);
		park(i);
		if (s->fair)
			return;
	}
}

static NOINLINE void park_unlock(int i, int which)
{
	struct shared *l = &z->shared[which];
	int woken = -1;

	(void)i;
	guard_take(l);
	if (l->n) {
		woken = l->queue[0];
		memmove(l->queue, l->queue + 1, (size_t)--l->n * sizeof(*l->queue));
	}
	l->taken = s->fair && woken >= 0;
	atomic_store(&l->guard, 0);
	if (woken >= 0)
		unpark(woken);
}

/* Whether it is one of so many permits makes no difference to what a thread does. */
static void lock_work(int i)
{
	struct member *m = &z->members[i];
	int which = (int)below(i, (uint32_t)s->locks);
	struct interval *w = &m->waits[m->n], *h = &m->holds[m->n];

	w->lock = h->lock = which;
	w->from_ns = now_ns();
	s->lock(i, which);
	w->to_ns = h->from_ns = now_ns();
	nap_us(about_us(i, i ? 300 : 6000));
	h->to_ns = now_ns();
	m->n += m->n + 1 < ROUNDS_MAX;
	s->unlock(i, which);
	nap_us(about_us(i, s->permits > 1 ? 300 : 2000));
}

/* ---- others ---- */

static NOINLINE void items_put(atomic_int *items)
{
	atomic_fetch_add(items, 1);
	futex_wake(items, 1);
}

static NOINLINE void items_take(atomic_int *items)
{
	while (!z->stop) {
		int n = atomic_load(items);

		if (!n)
			futex_wait(items, 0);
		else if (atomic_compare_exchange_strong(items, &n, n - 1))
			return;
	}
}

static void queue_work(int i)
{
	if (i)
		items_take(&z->shared->word);
	nap_us(about_us(i, i ? 600 : 200));
	if (!i || (s->submits && !below(i, 3)))
		items_put(&z->shared->word);
}

/* An idle worker queues itself; who has work for it wakes the one that came last. */
static NOINLINE void own_put(struct shared *q)
{
	int woken = -1;

	guard_take(q);
	if (q->n)
		woken = q->queue[--q->n];
	else
		atomic_fetch_add(&q->word, 1);
	atomic_store(&q->guard, 0);
	if (woken >= 0)
		unpark(woken);
}

static NOINLINE void own_take(int i, struct shared *q)
{
	guard_take(q);
	if (atomic_load(&q->word)) {
		atomic_fetch_sub(&q->word, 1);
		atomic_store(&q->guard, 0);
		return;
	}
	atomic_store(&z->members[i].word, 0);
	q->queue[q->n++] = i;
	atomic_store(&q->guard, 0);
	park(i);
}

static void own_work(int i)
{
	if (i)
		own_take(i, z->shared);
	nap_us(about_us(i, i ? 600 : 200));
	if (!i || !below(i, 3))
		own_put(z->shared);
}

static void pipeline_work(int i)
{
	if (i)
		items_take(&z->members[i].word);
	nap_us(about_us(i, i ? 200 : 400));
	if (i + 1 < s->threads)
		items_put(&z->members[i + 1].word);
}

static void barrier_work(int i)
{
	struct shared *b = z->shared;
	int round = atomic_load(&b->word);

	nap_us(about_us(i, 600));
	if ((int)atomic_fetch_add(&b->next_ticket, 1) == s->threads - 1) {
		atomic_store(&b->next_ticket, 0);
		atomic_fetch_add(&b->word, 1);
		futex_wake(&b->word, INT_MAX);
	} else {
		while (atomic_load(&b->word) == round && !z->stop)
			futex_wait(&b->word, round);
	}
}

static const struct subject subjects[] = {
	{ "mutex", 6, 1, mutex_lock, mutex_unlock, lock_work, .locks = 1 },
	{ "sem1", 6, 1, sem_take, sem_give, lock_work, .locks = 1 },
	{ "sem1-fork", 6, 1, sem_take, sem_give, lock_work, .locks = 1, .forks = true },
	{ "three", 6, 1, three_lock, three_unlock, lock_work, .locks = 1 },
	{ "ticket", 6, 1, ticket_lock, ticket_unlock, lock_work, .locks = 1 },
	{ "park", 6, 1, park_lock, park_unlock, lock_work, .locks = 1 },
	{ "park-fair", 6, 1, park_lock, park_unlock, lock_work, .locks = 1, .fair = true },
	{ "park-two", 10, 1, park_lock, park_unlock, lock_work, .locks = 2 },
	{ "sem2", 6, 2, sem_take, sem_give, lock_work, .locks = 1 },
	{ "sem4", 12, 4, sem_take, sem_give, lock_work, .locks = 1 },
	{ "sem8", 24, 8, sem_take, sem_give, lock_work, .locks = 1 },
	{ "queue", 6, 0, .work = queue_work },
	{ "pool", 6, 0, .work = queue_work, .submits = true },
	{ "pool-own", 6, 0, .work = own_work },
	{ "pipeline", 6, 0, .work = pipeline_work },
	{ "barrier", 6, 0, .work = barrier_work },
};

/* ---- all of it ---- */

static void *member(void *arg)
{
	int i = (int)(intptr_t)arg;

	prctl(PR_SET_NAME, i ? "fast" : "slow");
	z->members[i].random = 12345U * (uint32_t)(i + 1);
	while (!z->stop)
		s->work(i);
	return NULL;
}

/* Who still sleeps when all is over has nobody left to wake it. */
static void wake_all(void)
{
	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < s->threads; i++) {
			atomic_fetch_add(&z->members[i].word, 1000);
			futex_wake(&z->members[i].word, INT_MAX);
		}
		if (!s->lock)
			futex_wake(&z->shared->word, INT_MAX);
		nap_us(20000);
	}
}

static void run(void)
{
	pthread_t threads[THREADS_MAX];

	for (int i = 0; i < s->threads; i++) {
		if (!s->forks) {
			pthread_create(&threads[i], NULL, member, (void *)(intptr_t)i);
		} else if (!fork()) {
			member((void *)(intptr_t)i);
			_exit(0);
		}
	}
	nap_us(450000);
	z->stop = true;
	if (!s->lock)
		wake_all();
	for (int i = 0; i < s->threads; i++) {
		if (s->forks)
			wait(NULL);
		else
			pthread_join(threads[i], NULL);
	}
}

static uint64_t overlap_ns(const struct interval *a, const struct interval *b)
{
	uint64_t from = a->from_ns > b->from_ns ? a->from_ns : b->from_ns;
	uint64_t to = a->to_ns < b->to_ns ? a->to_ns : b->to_ns;

	return a->lock == b->lock && to > from ? to - from : 0;
}

static void truth_print(void)
{
	uint64_t slow_ns = 0, all_ns = 0;

	for (int i = 0; i < (s->permits == 1 ? s->threads : 0); i++)
		for (int k = 0; k < z->members[i].n; k++)
			for (int j = 0; j < s->threads; j++)
				for (int l = 0; l < z->members[j].n; l++) {
					uint64_t ns = overlap_ns(&z->members[i].waits[k], &z->members[j].holds[l]);

					all_ns += ns;
					slow_ns += j ? 0 : ns;
				}
	printf("{\"slow_ns\":%llu,\"all_ns\":%llu}\n", (unsigned long long)slow_ns, (unsigned long long)all_ns);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		if (argc == 2 && !strcmp(argv[1], subjects[i].name))
			s = &subjects[i];
	if (!s) {
		fprintf(stderr, "Usage: roles SUBJECT\n");
		return 64;
	}
	z = mmap(NULL, sizeof(*z), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (z == MAP_FAILED)
		return 1;
	for (int i = 0; i < LOCKS; i++) {
		pthread_mutex_init(&z->shared[i].mutex, NULL);
		sem_init(&z->shared[i].sem, s->forks, (unsigned int)s->permits);
	}
	run();
	truth_print();
	return 0;
}
