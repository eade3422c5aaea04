// SPDX-License-Identifier: GPL-2.0-only
/*
 * carried timeout|signal|away|idle: waits that nobody ends, with the truth of them.
 *
 * One thread holds a mutex for 195 ms five times (long_hold) and for 10 ms twenty times
 * (short_hold). Two victims want it, and do not sleep through:
 *   timeout   they wait 20 ms at a time, and try again at once
 *   signal    they take a signal every 10 ms
 *   away      they wait 20 ms at a time, and stay away for 60 ms after each
 *   idle      nobody wants it: they wait for a condition that does not come, 2 ms at a time
 * Prints what of the victims' time in the lock fell into the holds of each, by their own clocks, and
 * how many of their calls timed out.
 * libs: -lpthread
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../lib/clock.h"

#define MS 1000000ULL
#define VICTIMS 2
#define WAITS_MAX 4096
#define HOLDS_MAX 32

struct interval {
	uint64_t from_ns, to_ns;
	bool by_long;
};

struct victim {
	pthread_t thread;
	struct interval waits[WAITS_MAX];
	unsigned int n, timeouts;
};

static pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t g_idle_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t g_never = PTHREAD_COND_INITIALIZER;
static struct victim victims[VICTIMS];
static struct interval holds[HOLDS_MAX];
static unsigned int nholds;
static const char *way;
static volatile bool stop;

static bool is(const char *which)
{
	return !strcmp(way, which);
}

/* Signals do not shorten it. */
static void nap_ns(uint64_t ns)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + ns;
	struct timespec t = { .tv_sec = (time_t)(end / 1000000000ULL), .tv_nsec = (long)(end % 1000000000ULL) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static struct timespec in_ns(uint64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	ns += (uint64_t)t.tv_nsec;
	t.tv_sec += (time_t)(ns / 1000000000ULL);
	t.tv_nsec = (long)(ns % 1000000000ULL);
	return t;
}

static void hold(uint64_t ns, bool by_long)
{
	pthread_mutex_lock(&g_mutex);
	holds[nholds].from_ns = clock_ns(CLOCK_MONOTONIC);
	holds[nholds].by_long = by_long;
	nap_ns(ns);
	holds[nholds++].to_ns = clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&g_mutex);
}

static __attribute__((noinline)) void long_hold(void)
{
	hold(195 * MS, true);
	__asm__ volatile("");
}

static __attribute__((noinline)) void short_hold(void)
{
	hold(10 * MS, false);
	__asm__ volatile("");
}

/* One call; whether it got the mutex. */
static bool try_lock(struct victim *v)
{
	struct timespec until;

	if (is("signal"))
		return !pthread_mutex_lock(&g_mutex);
	until = in_ns(20 * MS);
	if (!pthread_mutex_timedlock(&g_mutex, &until))
		return true;
	v->timeouts++;
	return false;
}

static __attribute__((noinline)) void victim_lock(struct victim *v)
{
	bool got;

	do {
		struct interval *w = &v->waits[v->n];

		w->from_ns = clock_ns(CLOCK_MONOTONIC);
		got = try_lock(v);
		w->to_ns = clock_ns(CLOCK_MONOTONIC);
		v->n += v->n + 1 < WAITS_MAX;
		if (!got && is("away"))
			nap_ns(60 * MS);
	} while (!got && !stop);
	if (got)
		pthread_mutex_unlock(&g_mutex);
}

static __attribute__((noinline)) void idle_wait(struct victim *v)
{
	struct timespec until = in_ns(2 * MS);

	pthread_mutex_lock(&g_idle_mutex);
	v->timeouts += pthread_cond_timedwait(&g_never, &g_idle_mutex, &until) == ETIMEDOUT;
	pthread_mutex_unlock(&g_idle_mutex);
}

static void *victim(void *arg)
{
	nap_ns(MS);
	while (!stop) {
		if (is("idle"))
			idle_wait(arg);
		else
			victim_lock(arg);
		nap_ns(MS / 2);
	}
	return NULL;
}

static void nothing(int signal)
{
	(void)signal;
}

static void *signaller(void *arg)
{
	(void)arg;
	while (!stop) {
		nap_ns(10 * MS);
		for (int i = 0; i < VICTIMS; i++)
			pthread_kill(victims[i].thread, SIGUSR1);
	}
	return NULL;
}

static uint64_t overlap_ns(const struct interval *a, const struct interval *b)
{
	uint64_t from = a->from_ns > b->from_ns ? a->from_ns : b->from_ns;
	uint64_t to = a->to_ns < b->to_ns ? a->to_ns : b->to_ns;

	return to > from ? to - from : 0;
}

static void truth_print(void)
{
	uint64_t long_ns = 0, short_ns = 0;
	unsigned int timeouts = 0;

	for (int v = 0; v < VICTIMS; v++) {
		timeouts += victims[v].timeouts;
		for (unsigned int i = 0; i < victims[v].n; i++)
			for (unsigned int h = 0; h < nholds; h++)
				*(holds[h].by_long ? &long_ns : &short_ns) += overlap_ns(&victims[v].waits[i], &holds[h]);
	}
	printf("{\"long_ns\":%llu,\"short_ns\":%llu,\"timeouts\":%u}\n", (unsigned long long)long_ns,
	       (unsigned long long)short_ns, timeouts);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = nothing };
	pthread_t thread;

	way = argc == 2 ? argv[1] : "";
	if (!is("timeout") && !is("signal") && !is("away") && !is("idle")) {
		fprintf(stderr, "Usage: carried timeout|signal|away|idle\n");
		return 64;
	}
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < VICTIMS; i++)
		pthread_create(&victims[i].thread, NULL, victim, &victims[i]);
	if (is("signal"))
		pthread_create(&thread, NULL, signaller, NULL);
	for (int i = 0; i < 5; i++) {
		long_hold();
		nap_ns(MS);
	}
	for (int i = 0; i < 20; i++) {
		short_hold();
		nap_ns(MS);
	}
	stop = true;
	for (int i = 0; i < VICTIMS; i++)
		pthread_join(victims[i].thread, NULL);
	if (is("signal"))
		pthread_join(thread, NULL);
	truth_print();
	return 0;
}
