// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that contend for mutexes, with long holds in one function of two. The length of these can really be
 * shortened, so that a prediction of what that gains can be held against the truth. Prints one JSON object:
 * {"ops": rounds of all threads, "ns": how long they took, "wait_ns": within pthread_mutex_lock}.
 *
 * whatif KIND THREADS THINK_US HOLD_US FACTOR ROUNDS [SEED]: FACTOR is what is left of a long hold, in percent. The
 * kinds: sleep (holds sleep), spin (holds compute), two (two locks, taken one after the other), nested (the second
 * within the long hold of the first), cond (threads wait for each other by a condition variable, too), adaptive (threads spin
 * before they sleep).
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64 };

static pthread_mutex_t g_mu = PTHREAD_MUTEX_INITIALIZER, g_other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t g_turn = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t g_start;
static const char *kind = "sleep";
static int threads, rounds, seed = 1, turns;
static double think_us, hold_us, factor;
static uint64_t wait_ns;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double draw(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)((*state >> 11) + 1) / 9007199254740993.0;
}

/* Draws from an exponential distribution of the mean 1. */
static double draw_exponential(uint64_t *state)
{
	double x = draw(state), sum = 0, power = 1;
	int halves = 0;

	for (; x < 0.5; halves++)
		x *= 2;
	/* -ln x as a series in 1 - x, which is at most 1/2. */
	for (int i = 1; i < 50; i++) {
		power *= 1 - x;
		sum += power / i;
	}
	return sum + halves * 0.69314718055994531;
}

static void nap_us(double us)
{
	const struct timespec t = { (time_t)(us / 1e6), (long)(us * 1000) % 1000000000 };

	nanosleep(&t, NULL);
}

static void work_us(double us)
{
	uint64_t end_ns = now_ns() + (uint64_t)(us * 1000);

	if (strcmp(kind, "spin"))
		nap_us(us);
	else
		while (now_ns() < end_ns)
			;
}

static void lock(pthread_mutex_t *mu)
{
	uint64_t begin_ns = now_ns();

	pthread_mutex_lock(mu);
	__atomic_fetch_add(&wait_ns, now_ns() - begin_ns, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) void short_section(pthread_mutex_t *mu, double us)
{
	lock(mu);
	work_us(us);
	pthread_mutex_unlock(mu);
	__asm__ volatile("");
}

static __attribute__((noinline)) void long_section(double us)
{
	lock(&g_mu);
	work_us(us * factor);
	if (!strcmp(kind, "nested"))
		short_section(&g_other, us * factor / 4);
	pthread_mutex_unlock(&g_mu);
	__asm__ volatile("");
}

/* Waits until another thread has had a turn. */
static __attribute__((noinline)) void turn_wait(void)
{
	struct timespec until;
	int before;

	pthread_mutex_lock(&g_mu);
	before = turns++;
	pthread_cond_signal(&g_turn);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 1;
	while (turns <= before + 1 && !pthread_cond_timedwait(&g_turn, &g_mu, &until))
		;
	pthread_mutex_unlock(&g_mu);
	__asm__ volatile("");
}

static void *member(void *arg)
{
	uint64_t state = (uint64_t)seed * 1000 + (uint64_t)(long)arg;

	for (int i = 0; i < 8; i++)
		draw(&state);
	pthread_barrier_wait(&g_start);
	for (int i = 0; i < rounds; i++) {
		double think = draw_exponential(&state), which = draw(&state);
		double a = draw_exponential(&state), b = draw_exponential(&state);

		nap_us(think * think_us);
		if (which < 0.25)
			long_section((a + b) * hold_us / 2);
		else
			short_section(&g_mu, a * hold_us / 4);
		if (!strcmp(kind, "two") || !strcmp(kind, "nested"))
			short_section(&g_other, b * hold_us / 4);
		if (!strcmp(kind, "cond") && i % 4 == 0)
			turn_wait();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t team[THREADS_MAX];
	pthread_mutexattr_t attr;
	uint64_t begin_ns;

	if (argc < 7)
		return 64;
	kind = argv[1];
	threads = atoi(argv[2]);
	think_us = atof(argv[3]);
	hold_us = atof(argv[4]);
	factor = atof(argv[5]) / 100;
	rounds = atoi(argv[6]);
	if (argc > 7)
		seed = atoi(argv[7]);
	if (threads < 1 || threads > THREADS_MAX)
		return 64;
	if (!strcmp(kind, "adaptive")) {
		pthread_mutexattr_init(&attr);
		pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
		pthread_mutex_init(&g_mu, &attr);
	}
	pthread_barrier_init(&g_start, NULL, (unsigned int)threads + 1);
	for (long i = 0; i < threads; i++)
		if (pthread_create(&team[i], NULL, member, (void *)i))
			return 1;
	pthread_barrier_wait(&g_start);
	begin_ns = now_ns();
	for (int i = 0; i < threads; i++)
		pthread_join(team[i], NULL);
	printf("{\"ops\":%d,\"ns\":%llu,\"wait_ns\":%llu}\n", threads * rounds, (unsigned long long)(now_ns() - begin_ns),
	       (unsigned long long)wait_ns);
	return 0;
}
