// SPDX-License-Identifier: GPL-2.0-only
/*
 * roots MS: chains of holders of which each waits for the next one's lock, with the truth of who is at their end.
 *
 * There are chains of two, three and four locks. In each round the last thread of a chain takes the last lock and sleeps for MS, in
 * root_of_N. Each other one takes its own lock and waits for the next one, in link_of_N, and a victim waits for the first.
 * Everybody who waits does so for the sleeper alone. Prints for each chain for how long it slept, once for each who
 * waited then: the roots come to a little more, for threads have to be woken.
 * libs: -lpthread
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/sleeper.h"

#define MS 1000000ULL
#define ROUNDS 3
#define LOCKS_MAX 4

struct chain;

struct link {
	struct chain *chain;
	unsigned int place;
};

struct chain {
	unsigned int n;
	void (*root)(struct chain *c);
	void (*link)(struct chain *c, unsigned int place);
	pthread_mutex_t locks[LOCKS_MAX];
	volatile int tids[LOCKS_MAX + 1];	/* of who holds the lock, the victim's last */
	volatile unsigned int held[LOCKS_MAX];	/* rounds in which it was taken */
	volatile unsigned int over;		/* rounds */
	uint64_t root_ns;
};

static uint64_t hold_ns;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void nap_ns(uint64_t ns)
{
	struct timespec t = { .tv_nsec = (long)ns };

	nanosleep(&t, NULL);
}

/* Returns when the thread at @place waits for a futex. */
static void asleep_await(struct chain *c, unsigned int place)
{
	sleeper_await(&c->tids[place]);
}

/* With the last lock. All others wait by then. */
static void sleep_long(struct chain *c)
{
	uint64_t begin;

	c->held[c->n - 1]++;
	for (unsigned int i = c->n - 1; i--;)
		asleep_await(c, i);
	asleep_await(c, c->n);
	begin = now_ns();
	nap_ns(hold_ns);
	c->root_ns += c->n * (now_ns() - begin);
}

/* With the lock at @place. */
static void next_take(struct chain *c, unsigned int place)
{
	c->held[place]++;
	pthread_mutex_lock(&c->locks[place + 1]);
}

#define CHAIN(n)	\
	static __attribute__((noinline)) void root_of_##n(struct chain *c)	\
	{	\
		pthread_mutex_lock(&c->locks[n - 1]);	\
		sleep_long(c);	\
		pthread_mutex_unlock(&c->locks[n - 1]);	\
		__asm__ volatile("");	\
	}	\
	static __attribute__((noinline)) void link_of_##n(struct chain *c, unsigned int place)	\
	{	\
		pthread_mutex_lock(&c->locks[place]);	\
		next_take(c, place);	\
		pthread_mutex_unlock(&c->locks[place + 1]);	\
		pthread_mutex_unlock(&c->locks[place]);	\
		__asm__ volatile("");	\
	}
CHAIN(2)
CHAIN(3)
CHAIN(4)

static struct chain chains[] = {
	{ .n = 2, .root = root_of_2, .link = link_of_2 },
	{ .n = 3, .root = root_of_3, .link = link_of_3 },
	{ .n = 4, .root = root_of_4, .link = link_of_4 },
};

static void *holder(void *arg)
{
	struct link *l = arg;
	struct chain *c = l->chain;

	c->tids[l->place] = (int)gettid();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		/* The next one has its lock, and waits already unless it is the sleeper. */
		while (l->place + 1 < c->n && c->held[l->place + 1] == round)
			nap_ns(MS / 10);
		if (l->place + 2 < c->n)
			asleep_await(c, l->place + 1);
		if (l->place + 1 == c->n)
			c->root(c);
		else
			c->link(c, l->place);
		while (c->over == round)
			nap_ns(MS / 10);
	}
	return NULL;
}

static void *victim(void *arg)
{
	struct chain *c = arg;

	c->tids[c->n] = (int)gettid();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		while (c->held[0] == round)
			nap_ns(MS / 10);
		asleep_await(c, 0);
		pthread_mutex_lock(&c->locks[0]);
		pthread_mutex_unlock(&c->locks[0]);
		nap_ns(2 * MS);
		c->over++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 64;
	hold_ns = strtoull(argv[1], NULL, 10) * MS;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		struct chain *c = &chains[i];
		struct link links[LOCKS_MAX];
		pthread_t threads[LOCKS_MAX + 1];

		for (unsigned int k = 0; k < c->n; k++) {
			links[k] = (struct link){ c, k };
			pthread_mutex_init(&c->locks[k], NULL);
			pthread_create(&threads[k], NULL, holder, &links[k]);
		}
		pthread_create(&threads[c->n], NULL, victim, c);
		for (unsigned int k = 0; k <= c->n; k++)
			pthread_join(threads[k], NULL);
		printf("%s\"root_of_%u\":%llu", i ? "," : "{", c->n, (unsigned long long)c->root_ns);
	}
	puts("}");
	return 0;
}
