// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 11: the thundering herd. A cached value goes out of date; every thread
 * that misses it loads it again, all through the one connection to the backend.
 * The repair (single) lets the first one load and the others wait for its result.
 */
#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/work.h"

enum { HERD, SINGLE };
static const char *const variants[] = { "herd", "single", NULL };
enum { METER_CACHE, METER_BACKEND, METER_FLIGHT };

struct task11 {
	struct options options;
	unsigned int variant;
	uint64_t load_us;
	uint64_t valid_ms;
	uint64_t think_us;
};

static struct task11 g_task = {
	.options = {
		.lab = { .threads = 32, .duration_ms = 1500 },
		.seed = { .threads = 64, .duration_ms = 5000 },
	},
	.load_us = 5000,
	.valid_ms = 250,
	.think_us = 2000,
};

static struct {
	pthread_mutex_t mu;
	uint64_t value;
	uint64_t valid_until_ns;
} g_cache = { .mu = PTHREAD_MUTEX_INITIALIZER };

static struct {
	pthread_mutex_t mu;
	uint64_t loads;
} g_backend = { .mu = PTHREAD_MUTEX_INITIALIZER };

/* The load that is under way, if there is one. */
static struct {
	pthread_mutex_t mu;
	pthread_cond_t landed;
	bool flying;
	uint64_t landings;
	uint64_t shared;	/* misses that were served by another thread's load */
} g_flight = { .mu = PTHREAD_MUTEX_INITIALIZER, .landed = PTHREAD_COND_INITIALIZER };

static PLAIN bool cache_lookup(struct member *me, uint64_t *ret)
{
	struct meter *m = &me->meters[METER_CACHE];
	uint64_t locking_ns = meter_locking(m);
	bool hit;

	pthread_mutex_lock(&g_cache.mu);
	meter_locked(m, locking_ns);
	hit = clock_now_ns() < g_cache.valid_until_ns;
	*ret = g_cache.value;
	meter_unlocking(m);
	pthread_mutex_unlock(&g_cache.mu);
	return hit;
}

static PLAIN void cache_fill(struct member *me, uint64_t value)
{
	struct meter *m = &me->meters[METER_CACHE];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&g_cache.mu);
	meter_locked(m, locking_ns);
	g_cache.value = value;
	g_cache.valid_until_ns = clock_now_ns() + g_task.valid_ms * 1000000;
	meter_unlocking(m);
	pthread_mutex_unlock(&g_cache.mu);
}

static PLAIN uint64_t backend_load(struct member *me)
{
	struct meter *m = &me->meters[METER_BACKEND];
	uint64_t locking_ns = meter_locking(m), value;

	pthread_mutex_lock(&g_backend.mu);
	meter_locked(m, locking_ns);
	value = ++g_backend.loads;
	member_nap(me, g_task.load_us * 1000);
	meter_unlocking(m);
	pthread_mutex_unlock(&g_backend.mu);
	return value;
}

/* This is the bug: nobody looks again whether the value has come meanwhile. */
static PLAIN uint64_t get_herd(struct member *me)
{
	uint64_t value;

	if (cache_lookup(me, &value))
		return value;
	value = backend_load(me);
	cache_fill(me, value);
	return value;
}

/* Returns true if the caller must load. Returns false if another thread has loaded and filled the cache. */
static PLAIN bool flight_board(struct member *me)
{
	struct meter *m = &me->meters[METER_FLIGHT];
	uint64_t locking_ns, landings;

	pthread_mutex_lock(&g_flight.mu);
	if (!g_flight.flying) {
		g_flight.flying = true;
		pthread_mutex_unlock(&g_flight.mu);
		return true;
	}
	g_flight.shared++;
	landings = g_flight.landings;
	locking_ns = meter_locking(m);
	while (g_flight.landings == landings)
		pthread_cond_wait(&g_flight.landed, &g_flight.mu);
	meter_locked(m, locking_ns);
	pthread_mutex_unlock(&g_flight.mu);
	return false;
}

static PLAIN void flight_land(void)
{
	pthread_mutex_lock(&g_flight.mu);
	g_flight.flying = false;
	g_flight.landings++;
	pthread_cond_broadcast(&g_flight.landed);
	pthread_mutex_unlock(&g_flight.mu);
}

static PLAIN uint64_t get_single(struct member *me)
{
	uint64_t value;

	while (!cache_lookup(me, &value)) {
		if (!flight_board(me))
			continue;
		/* The load before may have ended between the look and the taking of the lock. */
		if (!cache_lookup(me, &value))
			cache_fill(me, backend_load(me));
		flight_land();
	}
	return value;
}

static PLAIN void client(struct member *me)
{
	for (; member_goes_on(me); me->ops++) {
		if (g_task.variant == HERD)
			get_herd(me);
		else
			get_single(me);
		member_nap(me, g_task.think_us * 1000);
	}
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "variant", NULL, "with the bug, or repaired (herd)", .choice = &g_task.variant, .choices = variants },
		{ "load", "US", "a load's time at the backend (5000)", .number = &g_task.load_us, .max = 1000000 },
		{ "valid", "MS", "how long a value lasts (250)", .number = &g_task.valid_ms, .max = 60000 },
		{ "think", "US", "pause between two Gets (2000)", .number = &g_task.think_us, .max = 1000000 },
		{ 0 }
	};
	static const struct team_lock locks[] = {
		{ "g_cache.mu", "mutex" }, { "g_backend.mu", "mutex" },
		{ "g_flight.landed", "cond" },
	};
	struct team *team;

	options_parse(rows, "A cache whose misses all go to the backend.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	team = team_create(&g_task.options, g_task.options.run.threads, client, locks, 3);
	team_run(team);
	team_print_begin(team, "task11", variants[g_task.variant]);
	json_u64("loads", g_backend.loads);
	json_u64("shared", g_flight.shared);
	return team_print_end(team);
}
